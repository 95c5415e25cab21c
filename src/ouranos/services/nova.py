"""Nova: servers. The page of its central parts; hypervisors are `ouranos.compute`'s."""

from __future__ import annotations

from typing import Any

from ouranos.api import model, openstack
from ouranos.kit import kinds
from ouranos.openstack import configuration, resources
from ouranos.services import page

NAME = "nova"
PORT = 8774
STATE = "/var/lib/nova"
START = ("python3", "-m", "ouranos_runtime.start")

FLAVORS = (
    resources.Flavor("m1.nano", 1, 128, 1),
    resources.Flavor("m1.micro", 1, 256, 1),
    resources.Flavor("m1.tiny", 1, 512, 1),
    resources.Flavor("m1.small", 1, 2048, 20),
    resources.Flavor("m1.medium", 2, 4096, 40),
)

LOGINS = tuple(
    page.Option(section, "password", "user")
    for section in ("keystone_authtoken", *configuration.NOVA_LOGINS)
)


class Shared(model.Model):
    """What Nova is told of the cloud."""

    compute: openstack.Compute = openstack.Compute()


def settings(scope: page.Scope) -> configuration.Sections:
    """nova.conf of API, metadata, conductor and scheduler, without URLs and passwords."""
    clients = configuration.nova_clients(scope.region, volumes="cinder" in scope.present)
    return configuration.merge(
        {
            "DEFAULT": {
                **configuration.messages(),
                "state_path": STATE,
                "enabled_apis": "osapi_compute,metadata",
                "graceful_shutdown_timeout": 5,
                "periodic_fuzzy_delay": 0,
                "allow_resize_to_same_host": True,
            },
            "api": {"auth_strategy": "keystone"},
            "wsgi": {"api_paste_config": "/opt/openstack/etc/nova/api-paste.ini"},
            "api_database": configuration.database_pool(),
            "database": configuration.database_pool(),
            "conductor": {"workers": 1},
            # New hypervisors are mapped by the scheduler, so that no `nova-manage` has to be run.
            "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 5},
            "cache": configuration.cache(scope.memcached),
            "oslo_messaging_rabbit": configuration.queues(),
            "oslo_concurrency": {"lock_path": f"{STATE}/lock"},
            "keystone_authtoken": configuration.token_check(NAME, scope.region, scope.memcached),
        },
        clients,
        {"neutron": {"service_metadata_proxy": True}},
    )


def volumes(_: page.Scope) -> tuple[page.Volume, ...]:
    """Locks and what a process writes for itself."""
    return (page.Empty(STATE),)


def inside(_: page.Scope) -> tuple[resources.Resource, ...]:
    """A few flavors, so that a first server can be started."""
    return FLAVORS


def complaint(answer: Any) -> str | None:
    """Which of the central parts has not reported for a while."""
    rows: list[dict[str, Any]] = answer["services"]
    up = {row["binary"] for row in rows if row["state"] == "up"}
    missing = [binary for binary in ("nova-conductor", "nova-scheduler") if binary not in up]
    return f"{' and '.join(missing)} not reporting" if missing else None


SERVICE = page.Service(
    kind=kinds.NOVA,
    name=NAME,
    about="servers",
    uid=42436,
    releases={"2026.2": ("nova==34.0.0",)},
    needs=("keystone", "placement", "glance", "neutron"),
    optional=("cinder",),
    shared=Shared,
    databases=(
        page.Database("nova_api", section="api_database"),
        page.Database("nova"),
        page.Database("nova_cell0", section=None),
    ),
    queue=True,
    secrets=(page.SharedSecret("metadata"),),
    settings=page.Settings(
        "/etc/nova/nova.conf",
        settings,
        owned=frozenset({("wsgi", "api_paste_config"), ("neutron", "service_metadata_proxy")}),
    ),
    variables={
        "OS_NOVA_CONFIG_DIR": "/etc/nova",
        "OS_NOVA_CONFIG_FILES": "/opt/openstack/etc/nova/api-paste.ini;nova.conf",
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
    },
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.nova"),
        expand=("nova-manage", "api_db", "sync"),
        migrate=("nova-manage", "db", "online_data_migrations"),
        check=("nova-status", "upgrade", "check"),
    ),
    components=(
        page.wsgi(
            "api",
            "nova.wsgi.osapi_compute:application",
            page.Listener(PORT, NAME, public=True),
            queue=True,
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "nova-api"},
            volumes=volumes,
        ),
        page.wsgi(
            "metadata",
            "nova.wsgi.metadata:application",
            page.Listener(configuration.METADATA_PORT, configuration.METADATA, public=False),
            queue=True,
            options=(
                *LOGINS,
                page.Option("neutron", "metadata_proxy_shared_secret", "metadata", "secret"),
            ),
            variables={"OS_DEFAULT__HOST": "nova-metadata"},
            volumes=volumes,
        ),
        page.Component(
            "conductor",
            (*START, "nova-conductor", "--config-file", "/etc/nova/nova.conf"),
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "nova-conductor"},
            volumes=volumes,
            after=(kinds.PLACEMENT,),
        ),
        page.Component(
            "scheduler",
            (*START, "nova-scheduler", "--config-file", "/etc/nova/nova.conf"),
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "nova-scheduler"},
            volumes=volumes,
            # openstacksdk takes a service that it does not find for absent as long as it lives.
            after=(kinds.PLACEMENT,),
        ),
    ),
    identity=page.Identity(user=NAME, endpoints=(page.Endpoint("compute", PORT, NAME, "/v2.1"),)),
    inside=inside,
    proof=page.Proof(NAME, PORT, (page.Request("/v2.1/os-services", complaint),)),
)
