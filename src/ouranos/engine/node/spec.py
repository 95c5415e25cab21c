"""Which OCI configuration runs a pod's container? Pure: a pod and facts in, a config.json out.

The fields are those of the OCI runtime specification 1.0.2, which runc 1.1 implements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ouranos.engine import quantities
from ouranos.engine.node import environment, security
from ouranos.kit import objects

_VERSION: Final = "1.0.2"
_PROCESSES: Final = 32768
_TERMINALS: Final = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
_TEMPORARY: Final = "/tmp"  # noqa: S108 - a path of the container
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - a path of the container
_CPU_PERIOD: Final = 100_000
_MIN_QUOTA: Final = 1000
_MIN_SHARES: Final = 2

_MASKED: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
)
_READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_DEVICES: Final = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2))
"""null, zero, full, random, urandom, tty, ptmx: what runc gives every container."""


@dataclass(frozen=True, slots=True)
class Device:
    """A character device that a container may use."""

    path: str
    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class Mount:
    """Something of the node at a path of the container."""

    source: str
    destination: str
    kind: str = "bind"
    options: tuple[str, ...] = ()

    def rendered(self) -> objects.Object:
        """Return it as OCI writes it."""
        return {
            "destination": self.destination,
            "type": self.kind,
            "source": self.source,
            "options": list(self.options),
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What a container's configuration needs beyond its pod's own words."""

    root: str
    host_name: str
    cgroup: str
    namespaces: Mapping[str, str]
    """Path by type; an empty path makes a new namespace, an absent type shares the host's."""
    rights: security.Rights
    environment: Mapping[str, str]
    open_files: int
    oom_score: int
    mounts: Sequence[Mount] = ()
    devices: Sequence[Device] = ()
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


class Unusable(ValueError):
    """The container's own spec cannot be run."""


def container(pod: objects.Object, wanted: objects.Object, facts: Facts) -> objects.Object:
    """Return the OCI configuration of one of a pod's containers.

    Raises:
        Unusable: it names no program.
    """
    known = facts.environment
    arguments = [environment.expand(word, known) for word in objects.entries(wanted, "command")]
    arguments += [environment.expand(word, known) for word in objects.entries(wanted, "args")]
    if not arguments:
        raise Unusable("no command specified")
    folder: str = wanted.get("workingDir") or "/"
    found = build(arguments, folder, facts)
    found["linux"]["resources"] |= resources(wanted)
    found["linux"]["sysctl"] = {
        one["name"]: one["value"]
        for one in objects.entries(pod, "spec", "securityContext", "sysctls")
        if not one["name"].startswith("net.")
    }
    return found


def build(arguments: Sequence[str], folder: str, facts: Facts) -> objects.Object:
    """Return the OCI configuration that runs a program."""
    rights = facts.rights
    mounts = _mounts(facts)
    linux: objects.Object = {
        "namespaces": [
            {"type": kind, "path": path} if path else {"type": kind}
            for kind, path in {"mount": "", **facts.namespaces}.items()
        ],
        "cgroupsPath": facts.cgroup,
        "resources": {"devices": _device_rules(facts)},
        "devices": [_device(one) for one in facts.devices],
        "rootfsPropagation": _propagation(facts.mounts),
    }
    if not rights.privileged:
        linux["maskedPaths"] = list(_MASKED)
        linux["readonlyPaths"] = list(_READ_ONLY)
    if rights.seccomp:
        linux["seccomp"] = rights.seccomp
    return {
        "ociVersion": _VERSION,
        "process": _process(arguments, folder, facts),
        "root": {"path": facts.root, "readonly": rights.read_only},
        **({"hostname": facts.host_name} if facts.namespaces.get("uts") == "" else {}),
        "mounts": [mount.rendered() for mount in mounts],
        "annotations": dict(facts.annotations),
        "linux": linux,
    }


def _process(arguments: Sequence[str], folder: str, facts: Facts) -> objects.Object:
    rights = facts.rights
    capabilities = [f"CAP_{name}" for name in rights.capabilities]
    known = {"HOME": rights.user.home, "HOSTNAME": facts.host_name, **facts.environment}
    return {
        "terminal": False,
        "user": {
            "uid": rights.user.uid,
            "gid": rights.user.gid,
            "additionalGids": list(rights.user.groups),
        },
        "args": list(arguments),
        "env": [f"{name}={value}" for name, value in known.items()],
        "cwd": folder,
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": facts.open_files, "soft": facts.open_files}],
        "noNewPrivileges": not rights.new_privileges,
        "oomScoreAdj": facts.oom_score,
    }


def _mounts(facts: Facts) -> list[Mount]:
    privileged = facts.rights.privileged
    user = facts.rights.user
    system_options = ("nosuid", "noexec", "nodev", "rw" if privileged else "ro")
    standard = [
        Mount("proc", "/proc", "proc", ("nosuid", "noexec", "nodev")),
        Mount("tmpfs", "/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=64k")),
        Mount("devpts", "/dev/pts", "devpts", _TERMINALS),
        Mount("mqueue", "/dev/mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
        Mount("shm", _SHARED_MEMORY, "tmpfs", ("nosuid", "nodev", "mode=1777", "size=64m")),
        Mount("sysfs", "/sys", "sysfs", system_options),
    ]
    if facts.rights.scratch:
        private = ("nosuid", "nodev")
        own = (f"uid={user.uid}", f"gid={user.gid}")
        standard += [
            Mount("tmpfs", _TEMPORARY, "tmpfs", (*private, "mode=1777", "size=1g")),
            # with what the image has there: folders of its users
            Mount("tmpfs", "/run", "tmpfs", (*private, "mode=755", "size=64m", *own, "tmpcopyup")),
        ]
    asked = {mount.destination.rstrip("/") for mount in facts.mounts}
    hidden = tuple(f"{path}/" for path in asked if path in {"/dev", "/sys"})
    kept = [
        mount
        for mount in standard
        if mount.destination not in asked and not mount.destination.startswith(hidden)
    ]
    ordered = sorted(facts.mounts, key=lambda mount: mount.destination.rstrip("/").count("/"))
    return kept + ordered


def _propagation(mounts: Sequence[Mount]) -> str:
    """Without this of the root itself nothing propagates, and nothing complains (rootfs.md)."""
    options = {option for mount in mounts for option in mount.options}
    if "rshared" in options:
        return "rshared"
    return "rslave" if "rslave" in options else "rprivate"


def _device(device: Device) -> objects.Object:
    return {
        "path": device.path,
        "type": "c",
        "major": device.major,
        "minor": device.minor,
        "fileMode": 0o666,
        "uid": 0,
        "gid": 0,
    }


def _device_rules(facts: Facts) -> list[objects.Object]:
    if facts.rights.privileged:
        return [{"allow": True, "access": "rwm"}]
    allowed = [*_DEVICES, *((one.major, one.minor) for one in facts.devices)]
    rules: list[objects.Object] = [{"allow": False, "access": "rwm"}]
    # pseudo terminals, and making (not opening) device nodes, as every runtime allows
    rules += [
        {"allow": True, "type": "c", "access": "m"},
        {"allow": True, "type": "b", "access": "m"},
        {"allow": True, "type": "c", "major": 136, "access": "rwm"},
    ]
    rules += [
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
        for major, minor in allowed
    ]
    return rules


def resources(wanted: objects.Object) -> objects.Object:
    """Return the cgroup limits of a container."""
    asked: objects.Object = objects.mapping(wanted, "resources")
    limits: objects.Object = objects.mapping(asked, "limits")
    requests: objects.Object = {**limits, **objects.mapping(asked, "requests")}
    cpu: objects.Object = {"shares": _MIN_SHARES}
    if "cpu" in requests:
        cpu["shares"] = max(_MIN_SHARES, quantities.milli(requests["cpu"]) * 1024 // 1000)
    if "cpu" in limits:
        quota = quantities.milli(limits["cpu"]) * _CPU_PERIOD // 1000
        cpu |= {"period": _CPU_PERIOD, "quota": max(_MIN_QUOTA, quota)}
    found: objects.Object = {"cpu": cpu, "pids": {"limit": _PROCESSES}}
    if "memory" in limits:
        found["memory"] = {"limit": quantities.whole(limits["memory"])}
    return found


def quality(pod: objects.Object) -> str:
    """Return the pod's class: Guaranteed, Burstable or BestEffort, by Kubernetes' rules."""
    every = [*objects.entries(pod, "spec", "initContainers"), *pod["spec"]["containers"]]
    asked = [objects.mapping(one, "resources") for one in every]
    names = ("cpu", "memory")
    said = [
        sort.get(name)
        for one in asked
        for sort in (objects.mapping(one, "limits"), objects.mapping(one, "requests"))
        for name in names
    ]
    if not any(said):
        return "BestEffort"
    for one in asked:
        limits: objects.Object = objects.mapping(one, "limits")
        requests: objects.Object = {**limits, **objects.mapping(one, "requests")}
        for name in names:
            if name not in limits or not quantities.same(limits[name], requests[name]):
                return "Burstable"
    return "Guaranteed"


def oom_score(pod: objects.Object, wanted: objects.Object, memory: int) -> int:
    """Return how soon the kernel ends the container when the machine's memory is used up.

    As a kubelet, but never below 0, which would need CAP_SYS_RESOURCE.
    """
    sort = quality(pod)
    if sort != "Burstable":
        return 0 if sort == "Guaranteed" else 1000
    asked: objects.Object = objects.mapping(wanted, "resources")
    requested = (asked.get("requests") or objects.mapping(asked, "limits")).get("memory")
    share = 1000 - 1000 * quantities.whole(requested or "0") // max(memory, 1)
    return min(999, max(3, share))
