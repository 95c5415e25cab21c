"""Glance: the images that servers start from. The page of the image service."""

from __future__ import annotations

from ouranos.api import model, openstack, values
from ouranos.kit import kinds
from ouranos.openstack import configuration
from ouranos.services import page

NAME = "glance"
PORT = 9292
STATE = "/var/lib/glance"
DEFAULT_STORAGE = "20Gi"


class Filesystem(model.Model):
    """Images are files in a volume."""

    storage: values.VolumeSize = DEFAULT_STORAGE
    """Size of the volume, such as 20Gi."""


class Backend(model.Model):
    """Where Glance keeps images."""

    filesystem: Filesystem = Filesystem()


class Accepted(openstack.Settings):
    """What people may say of Glance."""

    backend: Backend = Backend()


def settings(scope: page.Scope) -> configuration.Sections:
    """glance-api.conf, without the database's URL and the service's password."""
    return {
        "DEFAULT": {
            "enabled_backends": "files:file",
            "worker_self_reference_url": f"http://{NAME}:{PORT}",
        },
        "database": configuration.database_pool(),
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": f"{STATE}/images"},
        "os_glance_staging_store": {"filesystem_store_datadir": f"{STATE}/work/staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": f"{STATE}/work/tasks"},
        "oslo_concurrency": {"lock_path": f"{STATE}/work/lock"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": "/opt/openstack/etc/glance/glance-api-paste.ini",
        },
        "keystone_authtoken": configuration.token_check(NAME, scope.region, scope.memcached),
    }


def volumes(scope: page.Scope) -> tuple[page.Volume, ...]:
    """Where images lie, and where they are put together."""
    storage = scope.told("backend", "filesystem").get("storage", DEFAULT_STORAGE)
    return (
        page.Storage(f"{STATE}/images", "glance-images", storage, shared=scope.replicas > 1),
        page.Empty(f"{STATE}/work"),
    )


SERVICE = page.Service(
    kind=kinds.GLANCE,
    name=NAME,
    about="images",
    uid=42415,
    releases={"2026.2": ("glance==33.0.0",)},
    accepts=Accepted,
    shared=model.Stored,
    databases=(page.Database("glance"),),
    settings=page.Settings("/etc/glance/glance-api.conf", settings),
    variables={"OS_GLANCE_CONFIG_DIR": "/etc/glance"},
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.glance"),
        expand=("glance-manage", "db", "expand"),
        migrate=("glance-manage", "db", "migrate"),
        contract=("glance-manage", "db", "contract"),
        check=("glance-status", "upgrade", "check"),
    ),
    components=(
        page.wsgi(
            "api",
            "glance.wsgi.api:application",
            page.Listener(PORT, NAME, public=True, path="/healthcheck"),
            options=(page.Option("keystone_authtoken", "password", "user"),),
            volumes=volumes,
        ),
    ),
    identity=page.Identity(user=NAME, endpoints=(page.Endpoint("image", PORT, NAME),)),
    proof=page.Proof(NAME, PORT, (page.Request("/v2/images?limit=1"),)),
)
