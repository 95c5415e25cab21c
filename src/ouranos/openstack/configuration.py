"""How is a service's oslo.config file written, and what do all services say alike?

Asked by the pages of `ouranos.services` and by `ouranos.compute`. No secret is ever in what this
module renders: credentials reach a process by `ouranos.openstack.environment`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

Scalar = str | int | float | bool
Value = Scalar | Sequence[Scalar]
Section = Mapping[str, Value]
Sections = Mapping[str, Section]

KEYSTONE = "http://keystone:5000/v3"
"""Keystone's address inside the cloud, by the short name of its Kubernetes Service."""

MEMCACHED = "memcached:11211"

METADATA = "nova-metadata"
"""The Service of Nova's metadata API, which agents on hypervisors ask."""

METADATA_PORT = 8775

PHYSICAL_NETWORK = "public"
"""What Neutron and the hypervisors' bridge mappings call the public network."""

VOLUME_SHARE = "cinder-volumes:/var/lib/cinder/volumes"
"""What Cinder's NFS driver calls the local backend's folder: `host:path` of a share."""

VOLUME_CLAIM = "cinder-volumes"
"""The PersistentVolumeClaim that holds the volumes of the local backend."""

DOMAIN = "default"
"""The ID of the domain that service users, the admin and their projects live in."""

SERVICE_PROJECT = "service"

REPEATED = frozenset(
    {
        ("DEFAULT", "dhcp_option"),
        ("DEFAULT", "vendordata_dynamic_targets"),
        ("oslo_messaging_notifications", "driver"),
        ("oslo_policy", "policy_dirs"),
        ("pci", "alias"),
        ("pci", "device_spec"),
        ("service_providers", "service_provider"),
    }
)
"""Options that oslo.config reads once per line; any other list is one line, joined by commas."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]*")
# Unicode's categories Cc, Zl, Zp and Cs.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Verbatim(str):
    """A value that a person wrote: `$option` in it keeps its meaning to oslo.config."""

    __slots__ = ()


class InvalidValueError(ValueError):
    """A section, option or value that cannot be written as one line of a configuration file."""


def render(sections: Sections) -> str:
    """The text of an oslo.config file; empty sections are left out.

    Args:
        sections: Options by section. `DEFAULT` comes first, the others in the order given.

    Raises:
        InvalidValueError: A name or value would change the file's syntax.
    """
    names = sorted(sections, key=lambda name: name != "DEFAULT")
    return "\n".join(_section(name, sections[name]) for name in names if sections[name])


def merge(*layers: Sections) -> dict[str, dict[str, Value]]:
    """Sections of all layers; an option of a later layer replaces that of an earlier one."""
    merged: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for name, options in layer.items():
            merged.setdefault(name, {}).update(options)
    return merged


def _section(name: str, options: Section) -> str:
    lines = [f"[{_checked(name)}]"]
    for option, value in options.items():
        lines += _lines(name, _checked(option), value)
    return "\n".join(lines) + "\n"


def _lines(section: str, option: str, value: Value) -> list[str]:
    if isinstance(value, str | int | float):
        return [f"{option} = {text(value)}"]
    if (section, option) in REPEATED:
        return [f"{option} = {text(item)}" for item in value]
    return [f"{option} = {_quoted(','.join(_item(item) for item in value))}"]


def text(value: Scalar) -> str:
    """A value as oslo.config reads it back unchanged: `$` doubled, outer blanks and quotes kept.

    Raises:
        InvalidValueError: The value holds a line break or another control character.
    """
    return _quoted(_plain(value))


def _plain(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = str(value)
    if has_control_character(plain):
        raise InvalidValueError(f"{plain!r} holds a control character")
    return plain if isinstance(value, Verbatim) else plain.replace("$", "$$")


def _item(value: Scalar) -> str:
    plain = _plain(value)
    if "," in plain:
        raise InvalidValueError(f"{plain!r} is an item of a list and holds a comma")
    return plain


def _quoted(plain: str) -> str:
    # oslo.config strips blanks and then one pair of equal quotes around a value.
    return f'"{plain}"' if plain != plain.strip() or plain[:1] in {'"', "'"} else plain


def has_control_character(plain: str) -> bool:
    """Whether a text holds a character that some reader of lines takes for syntax."""
    return _CONTROL.search(plain) is not None


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidValueError(f"{name!r} is not the name of a section or option")
    return name


def share_folder(share: str) -> str:
    """The name of the folder below its mount base where os-brick mounts an NFS share."""
    return hashlib.md5(share.encode(), usedforsecurity=False).hexdigest()


def login(user: str, region: str) -> dict[str, Value]:
    """A section by which a service logs in as its own user; the password comes by environment."""
    return {
        "auth_type": "password",
        "auth_url": KEYSTONE,
        "username": user,
        "project_name": SERVICE_PROJECT,
        "user_domain_id": DOMAIN,
        "project_domain_id": DOMAIN,
        "region_name": region,
        "valid_interfaces": "internal",
    }


def token_check(user: str, region: str, memcached: str = MEMCACHED) -> dict[str, Value]:
    """The `keystone_authtoken` section: how an API checks the tokens that it is shown."""
    checked = login(user, region)
    del checked["valid_interfaces"]
    return checked | {
        "www_authenticate_uri": KEYSTONE,
        "interface": "internal",
        "memcached_servers": memcached,
        "service_token_roles": "service",
        "service_token_roles_required": True,
    }


def service_user(user: str, region: str) -> dict[str, Value]:
    """The `service_user` section: requests on a tenant's behalf also carry the service's token."""
    return {"send_service_user_token": True, **login(user, region)}


def client(region: str) -> dict[str, Value]:
    """A section of a client that uses the caller's token: only where to find the service."""
    return {"region_name": region, "valid_interfaces": "internal"}


def cache(memcached: str = MEMCACHED) -> dict[str, Value]:
    """The `cache` section (oslo.cache) on the cloud's memcached."""
    return {
        "enabled": True,
        "backend": "dogpile.cache.pymemcache",
        "memcache_servers": memcached,
        # A connection that memcached's restart has broken is made anew, not told to the caller.
        "enable_retry_client": True,
    }


def database_pool() -> dict[str, Value]:
    """Pool sizes for one process of a few threads; the URL comes by environment."""
    return {"max_pool_size": 5, "max_overflow": 20, "connection_recycle_time": 600}


def messages() -> dict[str, Value]:
    """Options of `DEFAULT`: how many messages a process works on at the same time.

    Threads of a pool never end, and each that is idle wakes up once a second. More at once than a
    process has connections to its database would only wait for those.
    """
    return {"executor_thread_pool_size": 16}


def queues() -> dict[str, Value]:
    """The `oslo_messaging_rabbit` section: a service's queues outlive the broker.

    What is sent after the broker's restart, but before its receiver has found its way back, waits
    in the queue. Without a queue RabbitMQ drops it, and nobody is told: a server stays in BUILD.
    """
    return {"rabbit_quorum_queue": True}


def nova_clients(region: str, *, volumes: bool) -> dict[str, dict[str, Value]]:
    """What every Nova process says about its neighbours, on controllers and hypervisors alike.

    Args:
        region: The cloud's region.
        volumes: Whether the cloud has Cinder.

    The passwords of the sections in `NOVA_LOGINS` come by environment from the Secret of Nova's
    user.
    """
    cinder = {
        **login("nova", region),
        "os_region_name": region,
        "catalog_info": "block-storage::internalURL",
    }
    return {
        "placement": login("nova", region),
        "neutron": login("nova", region),
        "glance": client(region),
        **({"cinder": cinder} if volumes else {}),
        "keystone": client(region),
        "service_user": service_user("nova", region),
    }


NOVA_LOGINS = ("placement", "neutron", "cinder", "service_user")
"""Sections of `nova_clients` that log in, so that need Nova's password."""
