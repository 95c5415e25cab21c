"""Do the controllers know where they run?"""

import pytest

from ouranos import services
from ouranos.cluster import composition
from ouranos.kit import cluster, controller, kinds, objects, seams

pytestmark = pytest.mark.virtual_time

CLOUD = {
    "apiVersion": kinds.CLOUD.api_version,
    "kind": "Cloud",
    "metadata": {"name": "home", "namespace": "home"},
    "spec": {
        "release": "2026.2",
        "region": "Düdingen Test",
        "network": {"public": "172.24.4.0/24"},
        "services": {"keystone": {}},
    },
}


async def test_policies_let_the_controllers_in_from_where_they_run(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    for wanted in (*services.definitions(), CLOUD):
        await source.apply(wanted)
    (clouds,) = (one for one in composition.all_controllers("there") if one.kind == kinds.CLOUD)
    await controller.run_pass(clouds, source, objects.Key("home", "home"), given)
    found = await source.list(kinds.NETWORK_POLICY, "home")
    named = {
        objects.mapping(peer, "namespaceSelector", "matchLabels").get("kubernetes.io/metadata.name")
        for policy in found.items
        for rule in objects.entries(policy, "spec", "ingress")
        for peer in objects.entries(rule, "from")
        if "namespaceSelector" in peer
    }
    assert named == {"there"}
