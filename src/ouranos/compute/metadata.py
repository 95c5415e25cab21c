"""The metadata of each machine: an agent that lets guests ask Nova who they are."""

from typing import Final

from ouranos.compute import pods, privsep, switch, texts
from ouranos.compute.scope import NOVA, Scope
from ouranos.openstack import configuration, environment

NAME: Final = "metadata-agent"
_STATE: Final = "/var/lib/neutron"
_FILE: Final = "neutron.conf"
_HELPERS: Final = (
    *("privsep", "privsep_conntrack", "privsep_dhcp_release"),
    *("privsep_link", "privsep_namespace", "privsep_ovs_vsctl"),
)


def settings(scope: Scope) -> configuration.Sections:
    """Return the agent's configuration, without its secret."""
    helper = privsep.helper("openstack", NAME, f"{pods.CONFIG_PATH}/{_FILE}")
    return {
        "DEFAULT": {
            "state_path": _STATE,
            "nova_metadata_host": configuration.METADATA,
            "nova_metadata_port": configuration.METADATA_PORT,
            "metadata_workers": 0,
        },
        "AGENT": {"root_helper": "", "root_helper_daemon": ""},
        "agent": {"extensions": "metadata"},
        "ovn": {"ovn_sb_connection": scope.southbound(), "ovn_metadata_enabled": True},
        "ovs": {"ovsdb_connection": switch.DATABASE},
        "oslo_concurrency": {"lock_path": f"{_STATE}/lock"},
        **dict.fromkeys(_HELPERS, helper),
    }


def agent(scope: Scope) -> pods.Agent:
    """Return the metadata agent."""
    secret = scope.secret(NOVA, "metadata")
    option = environment.option("DEFAULT", "metadata_proxy_shared_secret")
    return pods.Agent(
        NAME,
        files={_FILE: configuration.render(settings(scope)), **texts.of("metadata")},
        secrets=scope.digest(secret),
        grace=10,
        containers=(
            pods.Container(
                NAME,
                "openstack",
                ("sh", f"{pods.CONFIG_PATH}/start.sh"),
                (
                    switch.socket(scope),
                    pods.scratch("neutron", _STATE),
                    # The namespaces live and end with the agent and its proxies.
                    pods.scratch("namespaces", "/run/netns"),
                ),
                variables=(
                    {**pods.NODE_NAME, "name": environment.option("DEFAULT", "host")},
                    environment.literal("LANG", "C.UTF-8"),
                    environment.literal("PYTHONWARNINGS", "ignore"),
                    environment.from_secret(option, secret, "secret"),
                ),
                check=("test", "-S", f"{_STATE}/metadata_proxy"),
                memory="256Mi",
                # The proxies of all networks with guests here run inside it.
                limit="4Gi",
                cpu="50m",
            ),
        ),
    )
