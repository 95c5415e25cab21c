"""Neutron: networks, by ML2 and OVN. The page of the network service."""

from __future__ import annotations

from ouranos.api import model, openstack, values
from ouranos.kit import kinds
from ouranos.openstack import configuration, resources
from ouranos.services import page

NAME = "neutron"
PORT = 9696
STATE = "/var/lib/neutron"
GENEVE_HEADER = 38
DEFAULT_MTU = 1500
DEFAULT_PUBLIC = "172.24.4.0/24"

LOGINS = (
    page.Option("keystone_authtoken", "password", "user"),
    page.Option("nova", "password", "user"),
    page.Option("placement", "password", "user"),
)


class SharedCompute(model.Model):
    """How machines move packets."""

    datapath: values.Datapath = "auto"
    """Who moves packets: the kernel (system), Open vSwitch itself (netdev), or what is there."""


class Shared(model.Model):
    """What Neutron is told of the cloud."""

    network: openstack.Underlay = openstack.Underlay()
    compute: SharedCompute = SharedCompute()


def settings(scope: page.Scope) -> configuration.Sections:
    """neutron.conf, ML2's part included, without URLs and passwords."""
    mtu = scope.told("network").get("mtu", DEFAULT_MTU)
    return {
        "DEFAULT": {
            "state_path": STATE,
            "core_plugin": "ml2",
            "service_plugins": "ovn-router",
            "auth_strategy": "keystone",
            "api_paste_config": "/opt/openstack/etc/neutron/api-paste.ini",
            # OVN's agents speak through its databases, not by RPC.
            "rpc_workers": 0,
            "rpc_state_report_workers": 0,
            "global_physnet_mtu": mtu,
            "dns_domain": "",
        },
        "database": configuration.database_pool(),
        "keystone_authtoken": configuration.token_check(NAME, scope.region, scope.memcached),
        "nova": configuration.login(NAME, scope.region) | {"endpoint_type": "internal"},
        "placement": configuration.login(NAME, scope.region),
        "oslo_messaging_rabbit": configuration.queues(),
        "oslo_concurrency": {"lock_path": f"{STATE}/lock"},
        "ml2": {
            "type_drivers": "local,flat,vlan,geneve",
            "tenant_network_types": "geneve",
            "mechanism_drivers": "ovn",
            "extension_drivers": "port_security",
            "path_mtu": mtu,
        },
        "ml2_type_geneve": {"vni_ranges": "1:65536", "max_header_size": GENEVE_HEADER},
        "ml2_type_flat": {"flat_networks": configuration.PHYSICAL_NETWORK},
        "ovn": {
            "ovn_nb_connection": scope.northbound,
            "ovn_sb_connection": scope.southbound,
            "ovn_metadata_enabled": True,
            # The public network comes to gateways; other machines need not have it.
            "enable_distributed_floating_ip": False,
            # libvirt makes guests' devices; Nova's part would have to write below /proc/sys.
            "ovs_create_tap": False,
        },
    }


def volumes(_: page.Scope) -> tuple[page.Volume, ...]:
    """Locks and what a process writes for itself."""
    return (page.Empty(STATE),)


def northbound_port(scope: page.Scope) -> int:
    """Where OVN's northbound database answers, whose changes the workers follow."""
    return int(scope.northbound.rpartition(":")[2] or 6641)


def inside(scope: page.Scope) -> tuple[resources.Resource, ...]:
    """The network that floating IPs come from."""
    cidr = scope.told("network").get("public", DEFAULT_PUBLIC)
    return (resources.ProviderNetwork("public", configuration.PHYSICAL_NETWORK, cidr),)


SERVICE = page.Service(
    kind=kinds.NEUTRON,
    name=NAME,
    about="networks",
    uid=42435,
    releases={"2026.2": ("neutron==29.0.0",)},
    shared=Shared,
    databases=(page.Database("neutron"),),
    queue=True,
    ovn=True,
    settings=page.Settings(
        "/etc/neutron/neutron.conf",
        settings,
        owned=frozenset(
            {
                ("DEFAULT", "core_plugin"),
                ("DEFAULT", "api_paste_config"),
                ("ovn", "ovn_nb_connection"),
                ("ovn", "ovn_sb_connection"),
            }
        ),
    ),
    variables={
        "OS_NEUTRON_CONFIG_DIR": "/etc/neutron",
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        # Neutron counts its API's processes by this where there is no uWSGI.
        "ASGI_WORKERS": "1",
    },
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.neutron"),
        expand=("neutron-db-manage", "upgrade", "--expand"),
        contract=("neutron-db-manage", "upgrade", "--contract"),
        check=("neutron-status", "upgrade", "check"),
    ),
    components=(
        page.wsgi(
            "api",
            "ouranos_runtime.neutron_api:application",
            page.Listener(PORT, NAME, public=True),
            queue=True,
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "neutron-api"},
            volumes=volumes,
        ),
        page.Component(
            "workers",
            ("python3", "-m", "ouranos_runtime.neutron_workers"),
            shape=page.Shape.SINGLE,
            options=LOGINS,
            variables={"OS_DEFAULT__HOST": "neutron-workers"},
            volumes=volumes,
            after=("api",),
            keeps=northbound_port,
            cpu="5m",
        ),
    ),
    identity=page.Identity(user=NAME, endpoints=(page.Endpoint("network", PORT, NAME),)),
    inside=inside,
    proof=page.Proof(NAME, PORT, (page.Request("/v2.0/networks?limit=1"),)),
)
