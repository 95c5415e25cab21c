"""The guests of each machine: libvirt, and QEMU processes that outlive it."""

from typing import Final

from ouranos.compute import pods, switch, texts
from ouranos.compute.scope import Scope

NAME: Final = "libvirt"
RUN: Final = "/run/libvirt"
GUESTS: Final = "/var/lib/nova"
_CGROUPS: Final = "/sys/fs/cgroup"


def socket(scope: Scope) -> pods.Volume:
    """Return the folder of libvirt's sockets, for whoever speaks to it."""
    return scope.run(NAME, RUN)


def guests(scope: Scope) -> pods.Volume:
    """Return the folder of the guests' disks."""
    return scope.state("nova", GUESTS)


def agent(scope: Scope) -> pods.Agent:
    """Return libvirt."""
    own = (
        scope.state("libvirt-etc", "/etc/libvirt"),
        scope.state("libvirt-lib", "/var/lib/libvirt"),
        scope.state("libvirt-cache", "/var/cache/libvirt"),
        scope.state("libvirt-log", "/var/log/libvirt"),
    )
    groups = pods.Volume("cgroups", _CGROUPS, {"hostPath": {"path": _CGROUPS, "type": "Directory"}})
    variables = tuple(
        {"name": name, "value": value}
        for name, value in (("LANG", "C.UTF-8"), ("OVS_RUNDIR", switch.RUN))
    )
    return pods.Agent(
        NAME,
        files=texts.of("libvirt"),
        sees_processes=True,
        grace=10,
        first=(
            pods.Container(
                "prepare",
                "libvirt",
                ("sh", f"{pods.CONFIG_PATH}/prepare.sh"),
                (*own, guests(scope)),
            ),
        ),
        containers=(
            pods.Container(
                "libvirtd",
                "libvirt",
                ("sh", f"{pods.CONFIG_PATH}/start.sh"),
                (
                    *own,
                    socket(scope),
                    guests(scope),
                    switch.socket(scope),
                    groups,
                    *scope.volumes(),
                ),
                variables=variables,
                check=("virsh", "--connect", "qemu:///system", "uri"),
                memory="64Mi",
                # Guests have a cgroup of their own, but what one takes before it gets there is
                # still counted here.
                limit="16Gi",
                cpu="20m",
                opens_devices=True,
            ),
        ),
    )
