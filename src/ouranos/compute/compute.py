"""Nova's hand on each machine: nova-compute."""

from typing import Final

from ouranos.compute import libvirt, pods, privsep, switch, texts
from ouranos.compute.scope import CINDER, NOVA, Scope
from ouranos.kit import conditions, errors, kinds, objects
from ouranos.openstack import configuration, connections, environment

NAME: Final = "nova-compute"
_FILE: Final = "nova.conf"
_LOOKED: Final = "/run/ouranos"
_PATH: Final = "/opt/openstack/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HELPERS: Final = ("nova_sys_admin", "privsep_osbrick", "vif_plug_ovs_privileged")


def settings(scope: Scope) -> configuration.Sections:
    """Return nova.conf of a hypervisor, without URLs and passwords.

    Raises:
        errors.Terminal: `spec.config` of Nova holds what no file can hold.
    """
    helper = privsep.helper("openstack", NAME, f"{pods.CONFIG_PATH}/{_FILE}")
    ours: configuration.Sections = {
        "DEFAULT": {
            **configuration.messages(),
            "state_path": libvirt.GUESTS,
            "instances_path": f"{libvirt.GUESTS}/instances",
            "compute_driver": "libvirt.LibvirtDriver",
            "reserved_host_memory_mb": 512,
            # A guest that does not listen to the power button is switched off after these seconds.
            "shutdown_timeout": 5,
            "graceful_shutdown_timeout": 5,
            "allow_resize_to_same_host": True,
            "periodic_fuzzy_delay": 0,
            # After a loss of power, guests that ran are started again.
            "resume_guests_state_on_host_boot": True,
        },
        "libvirt": {
            "connection_uri": "qemu:///system",
            "images_type": "qcow2",
            "hw_machine_type": "x86_64=pc",
            "nfs_mount_point_base": f"{libvirt.GUESTS}/mnt",
        },
        "os_vif_ovs": {"ovsdb_connection": switch.DATABASE},
        "oslo_messaging_rabbit": configuration.queues(),
        "oslo_concurrency": {"lock_path": f"{libvirt.GUESTS}/lock"},
        "vnc": {"enabled": False},
        "spice": {"enabled": False},
        # Its log is a file. Nova reads that of a pseudo-terminal from libvirt's /dev/pts, which is
        # not ours to see.
        "serial_console": {"enabled": True},
        "cache": configuration.cache(),
        "workarounds": {"disable_rootwrap": True},
        **dict.fromkeys(_HELPERS, helper),
    }
    overrides = objects.mapping(scope.nova, "spec", "config")
    clients = configuration.nova_clients(
        scope.region, volumes=bool(scope.held(kinds.CINDER, CINDER))
    )
    return configuration.merge(clients, ours, _verbatim(overrides))


def _verbatim(overrides: objects.Object) -> configuration.Sections:
    return {
        section: {name: _written(value) for name, value in options.items()}
        for section, options in overrides.items()
    }


def _written(value: configuration.Value) -> configuration.Value:
    if isinstance(value, str):
        return configuration.Verbatim(value)
    if isinstance(value, int | float):
        return value
    return [configuration.Verbatim(item) if isinstance(item, str) else item for item in value]


def _rendered(scope: Scope) -> str:
    try:
        return configuration.render(settings(scope))
    except configuration.InvalidValueError as error:
        told = f"spec.config of Nova: {error}"
        raise errors.Terminal(conditions.Reason.INVALID_SPEC, told) from error


def agent(scope: Scope) -> pods.Agent:
    """Return nova-compute."""
    looked = pods.scratch("looked", _LOOKED)
    sockets = (libvirt.socket(scope), switch.socket(scope))
    file = f"{_LOOKED}/virtualization.conf"
    secrets = (scope.secret(NOVA, "user"), scope.secret(NOVA, "queue"))
    return pods.Agent(
        NAME,
        files={_FILE: _rendered(scope), **texts.of("nova")},
        secrets=scope.digest(*secrets),
        grace=10,
        first=(
            pods.Container(
                "virtualization",
                "openstack",
                (
                    *("/usr/bin/python3", "-I", _RUNTIME),
                    *(scope.virtualization, file),
                    *(f"{libvirt.RUN}/libvirt-sock", f"{switch.RUN}/db.sock"),
                ),
                (looked, *sockets),
                opens_devices=True,
            ),
        ),
        containers=(
            pods.Container(
                NAME,
                "openstack",
                (
                    *("python3", "-m", "ouranos_runtime.nova_compute"),
                    *("--config-file", f"{pods.CONFIG_PATH}/{_FILE}"),
                    *("--config-file", file),
                ),
                (
                    looked,
                    *sockets,
                    libvirt.guests(scope),
                    pods.tun(),
                    *scope.volumes(),
                ),
                variables=_variables(scope, *secrets),
                check=connections.check(scope.queue().port),
                memory="256Mi",
                limit="4Gi",
                cpu="100m",
            ),
        ),
    )


_RUNTIME: Final = "/opt/openstack/lib/python3.13/site-packages/ouranos_runtime/virtualization.py"
"""Run as a file of its own: it needs no package, and is done before Python would find one."""


def _variables(scope: Scope, user: str, queue: str) -> tuple[objects.Object, ...]:
    passwords = (
        environment.from_secret(environment.option(section, "password"), user, "password")
        for section in configuration.NOVA_LOGINS
    )
    return (
        {**pods.NODE_NAME, "name": environment.option("DEFAULT", "host")},
        {**pods.NODE_IP, "name": environment.option("DEFAULT", "my_ip")},
        environment.literal("LANG", "C.UTF-8"),
        environment.literal("HOME", "/tmp"),  # noqa: S108 - the container's own
        environment.literal("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1"),
        # Here mount and umount leave to the node what the node has mounted.
        environment.literal("PATH", f"{pods.CONFIG_PATH}:{_PATH}"),
        environment.literal("PYTHONWARNINGS", "ignore"),
        *passwords,
        *environment.login("QUEUE", queue),
        environment.queue_url("QUEUE", scope.queue(), NOVA),
    )
