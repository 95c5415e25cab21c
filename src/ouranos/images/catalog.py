"""Which images are there, and what is in each? Written out, because it is what people review."""

from importlib import metadata
from typing import Final, NamedTuple

from ouranos import releases
from ouranos.images import accounts, definition
from ouranos.images.definition import Directory, File, Layer, Link
from ouranos.kit import conditions, errors

REGISTRY: Final = "ouranos.cloud"
"""The prefix of every reference; no server of this name is ever asked."""

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENV: Final = {"PATH": _PATH, "LANG": "C.UTF-8"}

_NEVER_RUN: Final = (
    # Packages that install packages, boot a machine or ask a person. Extraction needs none of
    # them, a container boots nothing, and the programs that images run call none of them.
    *("adduser", "apt", "debconf", "debconf-2.0", "dpkg", "init-system-helpers", "install-info"),
    *(
        "login",
        "login.defs",
        "logrotate",
        "lsb-base",
        "lsb-release",
        "passwd",
        "sensible-utils",
        "ucf",
    ),
    *("libpam-modules", "libpam-runtime", "libpam-systemd", "sysvinit-utils"),
    *("systemd", "systemd-container", "systemd-sysv", "udev"),
    *("dbus", "dbus-system-bus", "default-dbus-system-bus", "mdevctl", "polkitd"),
    # Interpreters and tools of scripts that are not used.
    *("gawk", "gettext-base", "kmod", "lsof", "openssl", "perl", "perl-base", "psmisc", "rsync"),
    *("keyutils", "rpcbind", "uuid-runtime", "xml-core"),
)

BASE: Final = Layer(
    name="base",
    packages=(
        *("base-files", "base-passwd", "bash", "coreutils", "dash", "debianutils", "diffutils"),
        *("findutils", "grep", "gzip", "hostname", "iproute2", "libc-bin", "mawk", "mount"),
        *("ncurses-base", "netbase", "procps", "sed", "tar", "util-linux"),
        # Libraries of more than one layer above, so that each is unpacked once.
        *("libaio1t64", "libdevmapper1.02.1", "libedit2", "libevent-2.1-7t64", "libffi8"),
        *("liblzma5", "libnftnl11"),
        *("libnuma1", "libreadline8t64", "libsasl2-2", "libstdc++6", "liburing2", "libwrap0"),
    ),
    absent=_NEVER_RUN,
    accounts=accounts.ALL,
    groups=accounts.GROUPS,
    directories=(
        Directory("/run/lock", 0o1777),
        Directory("/root", 0o700),
        Directory("/var/lib/ouranos"),
    ),
    files=(
        File(
            "/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
        ),
        File("/etc/shells", "/bin/sh\n/usr/bin/bash\n"),
        # Places for what the node mounts over them.
        *(File(path, "") for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")),
        File("/etc/machine-id", ""),
    ),
    links=(
        # ip and pyroute2 look for network namespaces below both.
        Link("/var/run", "/run"),
        Link("/var/lock", "/run/lock"),
        Link("/etc/mtab", "../proc/self/mounts"),
        Link("/usr/bin/awk", "mawk"),
        Link("/usr/bin/which", "which.debianutils"),
    ),
)

NODE: Final = Layer(name="node", packages=("catatonit", "nftables"), over=(BASE,))

MARIADB: Final = Layer(
    name="mariadb",
    packages=("mariadb-client", "mariadb-client-core", "mariadb-server-core"),
    over=(BASE,),
    directories=(
        Directory("/var/lib/mysql", 0o700, accounts.MYSQL),
        Directory("/run/mysqld", 0o755, accounts.MYSQL),
    ),
    links=(Link("/etc/mysql/my.cnf", "mariadb.cnf"),),
)

RABBITMQ: Final = Layer(
    name="rabbitmq",
    packages=("rabbitmq-server",),
    over=(BASE,),
    absent=("python3",),
    directories=(
        Directory("/var/lib/rabbitmq", 0o700, accounts.RABBITMQ),
        Directory("/var/log/rabbitmq", 0o755, accounts.RABBITMQ),
    ),
)

MEMCACHED: Final = Layer(name="memcached", packages=("memcached",), over=(BASE,))

OPENVSWITCH: Final = Layer(
    name="openvswitch",
    packages=("openvswitch-switch",),
    over=(BASE,),
    directories=(Directory("/run/openvswitch"), Directory("/var/lib/openvswitch")),
    links=(Link("/usr/sbin/ovs-vswitchd", "/usr/lib/openvswitch-switch/ovs-vswitchd"),),
)

OVN: Final = Layer(
    name="ovn",
    packages=("ovn-central", "ovn-host"),
    over=(OPENVSWITCH,),
    absent=("python3",),
    directories=(Directory("/run/ovn"), Directory("/var/lib/ovn")),
)

VIRTUALISATION: Final = Layer(
    # What both sides of libvirt's socket use: its library and the tools for disk images.
    name="virtualisation",
    packages=("libvirt0", "qemu-utils"),
    over=(BASE,),
)

LIBVIRT: Final = Layer(
    name="libvirt",
    packages=(
        *("libvirt-clients", "libvirt-daemon", "libvirt-daemon-driver-nodedev"),
        *("libvirt-daemon-driver-qemu", "libvirt-daemon-driver-secret"),
        *("libvirt-daemon-driver-storage", "qemu-system-x86"),
    ),
    # libvirt plugs guests' devices into the switch by ovs-vsctl.
    over=(OPENVSWITCH, VIRTUALISATION),
    directories=(
        *(Directory(f"/{path}/libvirt") for path in ("run", "var/lib", "var/log")),
        Directory("/var/cache/libvirt", 0o711),
        Directory("/var/lib/libvirt/qemu", 0o750, accounts.LIBVIRT_QEMU),
        Directory("/var/lib/libvirt/images", 0o711),
    ),
)

INTERPRETER: Final = Layer(
    name="interpreter",
    packages=("ca-certificates", "python3"),
    over=(BASE,),
    certificates=True,
    bytecode=("/usr/lib/python3.13",),
)

PYTHON: Final = Layer(
    # What else OpenStack's processes take from Debian: modules that are bound to the servers
    # beside them, and the programs that they call.
    name="python",
    packages=(
        *("conntrack", "haproxy", "ipset", "iptables", "nfs-common"),
        *("python3-libvirt", "python3-openvswitch", "python3-simplegeneric"),
    ),
    over=(OPENVSWITCH, VIRTUALISATION, INTERPRETER),
    links=(
        *(
            Link(f"/usr/sbin/{family}{action}", f"{family}-nft{action}")
            for family in ("iptables", "ip6tables", "ebtables")
            for action in ("", "-save", "-restore")
        ),
    ),
    files=(
        File(
            "/usr/lib/ouranos/mount.nfs",
            "#!/bin/sh\n"
            "# In the place of mount.nfs where the kernel has no NFS client: binds the local\n"
            '# folder that "server:/folder" names.\n'
            'folder=${1#*:}\nexec mount --bind "$folder" "$2"\n',
            0o755,
        ),
    ),
    bytecode=("/usr/lib/python3/dist-packages",),
)

ENVIRONMENT: Final = Layer(name="environment", over=(PYTHON,), environment="openstack")

OPENSTACK: Final = Layer(
    name="openstack",
    over=(ENVIRONMENT,),
    own="ouranos_runtime",
    directories=tuple(
        Directory(f"/{place}/{account.name}", 0o750, account.number)
        for account in accounts.OPENSTACK
        for place in ("var/lib", "var/log", "etc")
    ),
)

# A change of Ouranos makes the last of the three anew, one of its lock the last two.
OURANOS: Final = Layer(
    name="ouranos",
    over=(Layer(name="ouranos-environment", over=(INTERPRETER,), environment="ouranos"),),
    own="ouranos",
)

_NOVA_COMPUTE: Final = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "NET_ADMIN")
_METADATA_AGENT: Final = (
    *("DAC_OVERRIDE", "KILL", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"),
    *("SETGID", "SETUID", "SYS_ADMIN"),
)
_LIBVIRTD: Final = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_ADMIN"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_NICE"),
)

IMAGES: Final = {
    image.name: image
    for image in (
        # In the order in which they are realised: what a cloud needs first comes first.
        definition.Image(
            "node",
            NODE,
            _ENV,
            (definition.Privilege("catatonit", "is process 1 of a node and reaps its orphans"),),
        ),
        definition.Image("mariadb", MARIADB, _ENV),
        definition.Image("rabbitmq", RABBITMQ, {**_ENV, "HOME": "/var/lib/rabbitmq"}),
        definition.Image("memcached", MEMCACHED, _ENV),
        definition.Image(
            "ovn",
            OVN,
            _ENV,
            (
                definition.Privilege(
                    "vswitchd",
                    "makes network devices and moves their packets",
                    ("NET_ADMIN", "NET_RAW"),
                ),
                definition.Privilege(
                    "bridges", "gives the public bridge the gateway's address", ("NET_ADMIN",)
                ),
                definition.Privilege("look", "asks the kernel for its datapath"),
                definition.Privilege("ovn-controller", "speaks to the switch's root socket"),
                definition.Privilege("ovsdb-server", "owns the switch's root socket"),
            ),
        ),
        definition.Image(
            "openstack",
            OPENSTACK,
            {**_ENV, "PATH": f"/opt/openstack/bin:{_PATH}"},
            (
                definition.Privilege(
                    "nova-compute",
                    "owns guests' disks and sets up their network devices",
                    _NOVA_COMPUTE,
                ),
                definition.Privilege(
                    "virtualization", "opens the device by which a processor runs guests"
                ),
                definition.Privilege(
                    "metadata-agent",
                    "makes network namespaces and runs proxies in them",
                    _METADATA_AGENT,
                ),
            ),
        ),
        definition.Image(
            "libvirt",
            LIBVIRT,
            _ENV,
            (
                definition.Privilege(
                    "libvirtd",
                    "starts guests as another user, gives them disks and devices, ends them",
                    _LIBVIRTD,
                ),
                definition.Privilege(
                    "prepare", "gives a folder to the user that guests run as", ("CHOWN",)
                ),
            ),
        ),
    )
}

"""The images of a cloud's pods."""

CONTROLLERS: Final = definition.Image(
    "controllers",
    OURANOS,
    {**_ENV, "PATH": f"/opt/ouranos/bin:{_PATH}", "PYTHONUNBUFFERED": "1"},
    user=accounts.OURANOS,
    command=("python3", "-m", "ouranos.cluster"),
)
"""Ouranos itself, where its controllers run as a pod; solo has no use for it."""

ALL: Final = {**IMAGES, CONTROLLERS.name: CONTROLLERS}


class Reference(NamedTuple):
    """A parsed image reference."""

    image: definition.Image
    release: str
    """Of OpenStack; it also says which Debian and which Python an image stands on."""


def reference(name: str, release: str) -> str:
    """Return the reference by which a pod names an image, e.g. `ouranos.cloud/ovn:2026.2`.

    The controllers' image bears the version of Ouranos instead of a release.
    """
    image = ALL[name]
    return f"{REGISTRY}/{image.name}:{version() if image is CONTROLLERS else release}"


def version() -> str:
    """Return the version of Ouranos itself."""
    return metadata.version("ouranos")


def parse(text: str) -> Reference:
    """Return what a reference names.

    Raises:
        Terminal: It names no image of the catalogue.
    """
    prefix, _, rest = text.partition("/")
    name, _, release = rest.partition(":")
    if prefix != REGISTRY or name not in ALL or not release:
        raise errors.Terminal(
            conditions.Reason.INVALID_SPEC,
            f"{text!r} names no image; there are "
            + ", ".join(reference(known, "RELEASE") for known in ALL),
        )
    if ALL[name] is not CONTROLLERS:
        return Reference(ALL[name], release)
    if release != version():
        raise errors.Terminal(
            conditions.Reason.INVALID_SPEC, f"{text!r} cannot be made here: this is {version()}"
        )
    return Reference(CONTROLLERS, releases.names()[-1])
