"""Placement: what every hypervisor has, and what is taken of it. Its page."""

from __future__ import annotations

from ouranos.kit import kinds
from ouranos.openstack import configuration
from ouranos.services import page

NAME = "placement"
PORT = 8778


def settings(scope: page.Scope) -> configuration.Sections:
    """placement.conf, without the database's URL and the service's password."""
    return {
        "placement_database": configuration.database_pool(),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": configuration.token_check(NAME, scope.region, scope.memcached),
    }


SERVICE = page.Service(
    kind=kinds.PLACEMENT,
    name=NAME,
    about="the inventory of what machines can give to guests",
    uid=42482,
    releases={"2026.2": ("openstack-placement==16.0.0",)},
    databases=(page.Database("placement", section="placement_database"),),
    settings=page.Settings("/etc/placement/placement.conf", settings),
    variables={"OS_PLACEMENT_CONFIG_DIR": "/etc/placement"},
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.placement"),
        migrate=("placement-manage", "db", "online_data_migrations"),
        check=("placement-status", "upgrade", "check"),
    ),
    components=(
        page.wsgi(
            "api",
            "placement.wsgi.api:application",
            page.Listener(PORT, NAME, public=True),
            options=(page.Option("keystone_authtoken", "password", "user"),),
        ),
    ),
    identity=page.Identity(user=NAME, endpoints=(page.Endpoint("placement", PORT, NAME),)),
    proof=page.Proof(NAME, PORT, (page.Request("/resource_providers"),)),
)
