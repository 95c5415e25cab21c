"""Cinder: volumes, by the NFS driver. The page of the block storage service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from ouranos.api import model, openstack, rules, values
from ouranos.kit import kinds
from ouranos.openstack import configuration, resources
from ouranos.services import page

NAME = "cinder"
PORT = 8776
STATE = "/var/lib/cinder"
START = ("python3", "-m", "ouranos_runtime.start")
MOUNTS = f"{STATE}/mnt"
SHARES = "/etc/cinder/nfs_shares"
BACKEND = "nfs"
DEFAULT_STORAGE = "20Gi"

LOGINS = tuple(
    page.Option(section, "password", "user")
    for section in ("keystone_authtoken", "service_user", "nova")
)


_SERVER_STAYS = rules.immutable(
    "the volumes on it would stay behind", "put back the old value and move the volumes first"
)


class LocalVolumes(model.Model):
    """Volumes are files on the machine that runs Cinder; guests on that machine can use them."""

    storage: values.VolumeSize = DEFAULT_STORAGE
    """Size of the folder that holds all volumes, such as 20Gi."""


class NFSVolumes(model.Model):
    """Volumes are files on an NFS server that somebody else runs."""

    server: Annotated[values.Host, _SERVER_STAYS]
    """Host name or IPv4 address of the server."""
    path: Annotated[
        str,
        StringConstraints(min_length=2, max_length=1024),
        rules.matches(
            r"(/[A-Za-z0-9._+@%=,-]+)+",
            "is not an absolute path",
            "write it as /exports/cinder, without blanks and colons",
        ),
        _SERVER_STAYS,
    ]
    """The exported folder, such as /exports/cinder."""
    mount_options: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=1024),
            rules.matches(
                r"[A-Za-z0-9._=:,-]+",
                "is not a list of mount options",
                "write them as mount -o takes them, such as vers=4.2,nconnect=4",
            ),
        ]
        | None
    ) = None
    """Options for mounting, as `mount -o` takes them."""


class Backend(model.Model):
    """Where Cinder keeps volumes."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.one_of("local", "nfs"),
        rules.same_one_of(
            "local",
            "nfs",
            reason="the volumes would stay behind",
            hint="put back the old choice and move the volumes first",
        ),
    )
    local: LocalVolumes | None = None
    nfs: NFSVolumes | None = None


class Accepted(openstack.Settings):
    """What people may say of Cinder."""

    backend: Backend = Backend(local=LocalVolumes())


def share(scope: page.Scope) -> str:
    """The share that volumes are files of, as `host:path`."""
    nfs = scope.told("backend", "nfs")
    return f"{nfs['server']}:{nfs['path']}" if nfs else configuration.VOLUME_SHARE


def settings(scope: page.Scope) -> configuration.Sections:
    """cinder.conf, without URLs and passwords."""
    return {
        "DEFAULT": {
            **configuration.messages(),
            "state_path": STATE,
            "api_paste_config": "/opt/openstack/etc/cinder/api-paste.ini",
            "resource_query_filters_file": "/opt/openstack/etc/cinder/resource_filters.json",
            "auth_strategy": "keystone",
            "enabled_backends": BACKEND,
            "default_volume_type": BACKEND,
            "glance_api_servers": "http://glance:9292",
            "volume_clear": "none",
            "graceful_shutdown_timeout": 5,
            "periodic_fuzzy_delay": 0,
            # A scheduler that has just begun knows no backend until that tells of itself again;
            # until then the cloud is not Ready.
            "periodic_interval": 10,
            "backend_stats_polling_interval": 10,
        },
        "database": configuration.database_pool(),
        "keystone_authtoken": configuration.token_check(NAME, scope.region, scope.memcached),
        "service_user": configuration.service_user(NAME, scope.region),
        "nova": configuration.login(NAME, scope.region) | {"interface": "internal"},
        "oslo_messaging_rabbit": configuration.queues(),
        "oslo_concurrency": {"lock_path": f"{STATE}/lock"},
        BACKEND: {
            "volume_driver": "cinder.volume.drivers.nfs.NfsDriver",
            "volume_backend_name": BACKEND,
            "nfs_shares_config": SHARES,
            # The node has mounted the share here, where the driver looks before it mounts by
            # itself.
            "nfs_mount_point_base": MOUNTS,
            "nas_secure_file_operations": False,
            "nas_secure_file_permissions": False,
            "nfs_snapshot_support": True,
        },
    }


def files(scope: page.Scope) -> Mapping[str, str]:
    """The list of shares."""
    return {SHARES: f"{share(scope)}\n"}


def state(_: page.Scope) -> tuple[page.Volume, ...]:
    """Locks and what a process writes for itself."""
    return (page.Empty(STATE),)


def volumes(scope: page.Scope) -> tuple[page.Volume, ...]:
    """The share that volumes are files of, and room for conversions."""
    folder = f"{MOUNTS}/{configuration.share_folder(share(scope))}"
    if nfs := scope.told("backend", "nfs"):
        mounted: page.Volume = page.Share(
            folder, nfs["server"], nfs["path"], nfs.get("mountOptions", "")
        )
    else:
        size = scope.told("backend", "local").get("storage", DEFAULT_STORAGE)
        mounted = page.Storage(folder, configuration.VOLUME_CLAIM, size, shared=True)
    return (page.Empty(STATE), mounted)


def inside(_: page.Scope) -> tuple[resources.Resource, ...]:
    """The volume type that is taken where none is asked for."""
    return (resources.VolumeType(BACKEND, BACKEND),)


def silence(answer: Any) -> str | None:
    """Which part has not reported for a while."""
    rows: list[dict[str, Any]] = answer["services"]
    up = {row["binary"] for row in rows if row["state"] == "up"}
    missing = [binary for binary in ("cinder-scheduler", "cinder-volume") if binary not in up]
    return f"{' and '.join(missing)} not reporting" if missing else None


def ignorance(answer: Any) -> str | None:
    """Whether the scheduler, which answers from memory, has not heard of the backend yet."""
    pools: list[dict[str, Any]] = answer["pools"]
    # A pool's name is host@backend#pool.
    known = {row["name"].partition("@")[2].partition("#")[0] for row in pools}
    return None if BACKEND in known else f"the scheduler does not know backend {BACKEND} yet"


SERVICE = page.Service(
    kind=kinds.CINDER,
    name=NAME,
    about="volumes",
    uid=42407,
    releases={"2026.2": ("cinder==29.0.0",)},
    needs=("keystone", "glance"),
    accepts=Accepted,
    shared=model.Stored,
    databases=(page.Database("cinder"),),
    queue=True,
    settings=page.Settings(
        "/etc/cinder/cinder.conf",
        settings,
        owned=frozenset({("DEFAULT", "enabled_backends"), (BACKEND, "nfs_mount_point_base")}),
    ),
    files=files,
    variables={"OS_CINDER_DISABLE_EVENTLET_PATCHING": "1"},
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.cinder"),
        migrate=("cinder-manage", "db", "online_data_migrations"),
        check=("cinder-status", "upgrade", "check"),
    ),
    components=(
        page.wsgi(
            "api",
            "cinder.wsgi.api:application",
            page.Listener(PORT, NAME, public=True, path="/healthcheck"),
            queue=True,
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "cinder-api"},
            volumes=state,
        ),
        page.Component(
            "scheduler",
            (*START, "cinder-scheduler", "--config-file", "/etc/cinder/cinder.conf"),
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "cinder-scheduler"},
            volumes=state,
        ),
        page.Component(
            "volume",
            ("python3", "-m", "ouranos_runtime.cinder_volume"),
            shape=page.Shape.SINGLE,
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "cinder"},
            volumes=volumes,
        ),
    ),
    identity=page.Identity(
        user=NAME, endpoints=(page.Endpoint("block-storage", PORT, NAME, "/v3"),)
    ),
    inside=inside,
    proof=page.Proof(
        NAME,
        PORT,
        (
            page.Request("/v3/{project_id}/os-services", silence),
            page.Request("/v3/{project_id}/scheduler-stats/get_pools", ignorance),
        ),
    ),
)
