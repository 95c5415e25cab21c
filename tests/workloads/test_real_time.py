"""Does the same world go on in real time, with real threads and a clock of its own?"""

import time

from ouranos.engine.simulation import node, twin
from ouranos.kit import conditions, kinds, metrics, seams
from ouranos.kit.objects import Object


async def test_a_deployment_is_there_soon_and_costs_little() -> None:
    given = seams.real()
    machine = node.SimulatedNode("node1", given)
    template: Object = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    async with twin.running(given, [machine]) as home:
        await home.cluster.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "home"},
                "spec": spec,
            }
        )

        async def available() -> bool:
            found = await home.get(kinds.DEPLOYMENT, "web")
            return found.get("status", {}).get("availableReplicas") == 2

        took = await home.until(available, within=4)
        assert 1.5 <= took < 4
        assert conditions.is_true(await home.get(kinds.DEPLOYMENT, "web"), "Available")
        before = time.process_time()
        await home.passes(0.3)
        assert time.process_time() - before < 0.1
    assert metrics.RECONCILE_SECONDS.count("deployment", "") > 0
