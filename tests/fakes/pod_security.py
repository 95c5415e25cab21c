"""What does the profile `restricted` of Kubernetes' Pod Security Standards forbid in a pod's spec?

Written from https://kubernetes.io/docs/concepts/security/pod-security-standards/ (restricted, which
holds baseline's rules too), as far as fields exist that our pods could have.
"""

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
}


def violations(spec: Spec) -> list[str]:
    """Return every rule that a pod breaks, with the field that breaks it."""
    return [
        *_of_pod(spec),
        *(told for one in containers(spec) for told in _of_container(one, spec)),
    ]


def containers(spec: Spec) -> list[Spec]:
    """Return all containers, those first that run to their end before."""
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def _of_pod(spec: Spec) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))
    for volume in spec.get("volumes") or ():
        sorts = set(volume) - {"name"}
        if not sorts <= _VOLUMES:
            yield f"volume {volume['name']} is {', '.join(sorts)}"
    context = spec.get("securityContext") or {}
    yield from (
        f"sysctl {one['name']}"
        for one in context.get("sysctls") or ()
        if one["name"] not in _SYSCTLS
    )
    yield from _of_context("pod", context)


def _of_container(container: Spec, spec: Spec) -> Iterator[str]:
    name, context = container["name"], container.get("securityContext") or {}
    whole = spec.get("securityContext") or {}
    yield from _of_context(name, context)
    if context.get("privileged"):
        yield f"{name} is privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may get more privileges"
    if context.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield f"{name} may run as root"
    seccomp = context.get("seccompProfile", whole.get("seccompProfile")) or {}
    if seccomp.get("type") not in _SECCOMP:
        yield f"{name} has no seccomp profile"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield f"{name} drops not all capabilities"
    if set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}:
        yield f"{name} adds capabilities"
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield f"{name} has a port of the host"


def _of_context(name: str, context: Spec) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield f"{name} is root"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") == "Unconfined":
        yield f"{name} has no AppArmor profile"
    if context.get("procMount", "Default") != "Default":
        yield f"{name} unmasks /proc"
    if set(context.get("seLinuxOptions") or ()) & {"user", "role"}:
        yield f"{name} has SELinux options"
    if context.get("windowsOptions"):
        yield f"{name} is of Windows"
