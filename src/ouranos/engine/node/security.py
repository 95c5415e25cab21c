"""As whom, and with which rights, does a container run? Pure: security contexts to OCI settings.

Tighter than a kubelet where a pod says nothing: no capability, no new privileges, a read-only root.
What a pod asks for in so many words it gets, as far as the machine's own root has it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ouranos.kit import objects


def _table(words: str) -> tuple[str, ...]:
    return tuple(words.split())


CAPABILITIES: Final = _table(
    """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
    LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER
    SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE
    SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
    MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
    CHECKPOINT_RESTORE
    """
)
"""By number, as capability.h has them."""

_REFUSED_SYSCALLS: Final = _table(
    """
    acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module
    finit_module get_kernel_syms get_mempolicy init_module ioperm iopl io_uring_enter
    io_uring_register io_uring_setup kcmp kexec_file_load kexec_load keyctl lookup_dcookie
    mbind migrate_pages move_pages nfsservctl open_by_handle_at perf_event_open personality
    pivot_root process_vm_readv process_vm_writev query_module quotactl quotactl_fd reboot
    request_key set_mempolicy settimeofday stime swapoff swapon syslog _sysctl sysfs uselib
    userfaultfd ustat vm86 vm86old
    """
)
_ADMIN_SYSCALLS: Final = _table(
    """
    fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree setns umount
    umount2 unshare sethostname setdomainname chroot
    """
)
_NEW_NAMESPACES: Final = 0x7E020000
_EPERM: Final = 1


class Refused(ValueError):
    """The pod's own rules forbid the container."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a process is."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What a process may do."""

    user: User
    capabilities: tuple[str, ...]
    lacking: tuple[str, ...]
    """Asked for, but this machine's root has not got them."""
    new_privileges: bool
    privileged: bool
    read_only: bool
    scratch: bool
    """Whether it gets a /tmp and a /run of its own: where its pod does not say how its root is."""
    seccomp: objects.Object | None


def bounding_set() -> frozenset[str]:
    """Return the capabilities that this process can hand on."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            mask = int(line.split()[1], 16)
            return frozenset(name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1)
    return frozenset()


@dataclass(frozen=True, slots=True)
class Accounts:
    """An image's users and groups."""

    passwd: str = ""
    group: str = ""

    @classmethod
    def read(cls, layers: Iterable[Path]) -> "Accounts":
        """Read them from the topmost layer that has them."""
        content = {"passwd": "", "group": ""}
        for layer in layers:
            for name in content:
                file = layer / "etc" / name
                if file.is_file() and not file.is_symlink():
                    content[name] = file.read_text(errors="replace")
        return cls(**content)

    def account(self, uid: int) -> tuple[str, int, str] | None:
        """Return the name, primary group and home of a user."""
        for line in self.passwd.splitlines():
            parts = line.split(":")
            if len(parts) >= 6 and parts[2] == str(uid):  # noqa: PLR2004 - passwd(5)
                return parts[0], int(parts[3]), parts[5] or "/"
        return None

    def groups_of(self, name: str) -> tuple[int, ...]:
        """Return the groups that list a user as member."""
        found: list[int] = []
        for line in self.group.splitlines():
            parts = line.split(":")
            if len(parts) >= 4 and name in parts[3].split(","):  # noqa: PLR2004 - group(5)
                found.append(int(parts[2]))
        return tuple(found)


def setting(pod: objects.Object, container: objects.Object, name: str) -> Any:
    """Return a field of the security context, the container's before the pod's."""
    for context in (container.get("securityContext"), pod["spec"].get("securityContext")):
        if context and context.get(name) is not None:
            return context[name]
    return None


def user(pod: objects.Object, container: objects.Object, accounts: Accounts) -> User:
    """Return who the container's process is.

    Raises:
        Refused: it would be root, and `runAsNonRoot` forbids that.
    """
    uid = int(setting(pod, container, "runAsUser") or 0)
    if uid == 0 and setting(pod, container, "runAsNonRoot"):
        raise Refused("container has runAsNonRoot and image will run as root")
    account = accounts.account(uid)
    name, primary, home = account or ("", 0, "/")
    gid = setting(pod, container, "runAsGroup")
    context = objects.mapping(pod, "spec", "securityContext")
    groups = list(accounts.groups_of(name)) if name else []
    groups += context.get("supplementalGroups") or []
    if context.get("fsGroup") is not None:
        groups.append(context["fsGroup"])
    return User(uid, primary if gid is None else int(gid), tuple(dict.fromkeys(groups)), home)


def rights(
    pod: objects.Object,
    container: objects.Object,
    accounts: Accounts,
    bounding: frozenset[str],
) -> Rights:
    """Return what the container's process may do."""
    context: objects.Object = objects.mapping(container, "securityContext")
    privileged = bool(context.get("privileged"))
    wanted: set[str] = (
        set(CAPABILITIES) & bounding
        if privileged
        else _wanted(objects.mapping(context, "capabilities"))
    )
    escalation = context.get("allowPrivilegeEscalation")
    profile: objects.Object = setting(pod, container, "seccompProfile") or {}
    filtered = profile.get("type") == "RuntimeDefault" and not privileged
    return Rights(
        user=user(pod, container, accounts),
        capabilities=tuple(name for name in CAPABILITIES if name in wanted & bounding),
        lacking=tuple(sorted(wanted - bounding)),
        new_privileges=privileged or escalation is True,
        privileged=privileged,
        read_only=context.get("readOnlyRootFilesystem") is not False,
        scratch=context.get("readOnlyRootFilesystem") is None,
        seccomp=seccomp(wanted) if filtered else None,
    )


def _wanted(asked: objects.Object) -> set[str]:
    added: set[str] = {name.removeprefix("CAP_") for name in objects.entries(asked, "add")}
    dropped: set[str] = {name.removeprefix("CAP_") for name in objects.entries(asked, "drop")}
    if "ALL" in added:
        added = set(CAPABILITIES)
    # as in Kubernetes, `drop: [ALL]` beside `add` leaves what is added
    return added - (dropped - {"ALL"})


def seccomp(capabilities: set[str]) -> objects.Object:
    """Return a filter that refuses what no service needs and an attacker wants."""
    refused = list(_REFUSED_SYSCALLS)
    rules: list[objects.Object] = []
    if "SYS_ADMIN" not in capabilities:
        refused += _ADMIN_SYSCALLS
        argument = {"index": 0, "value": _NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        for bit in range(32):
            flag = 1 << bit
            if _NEW_NAMESPACES & flag:
                rules.append(
                    _errno(["clone"], args=[{**argument, "value": flag, "valueTwo": flag}])
                )
    if "SYS_CHROOT" in capabilities and "chroot" in refused:
        refused.remove("chroot")
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [_errno(refused), *rules],
    }


def _errno(names: list[str], **more: Any) -> objects.Object:
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM, **more}
