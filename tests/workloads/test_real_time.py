"""Does the same world go on in real time, with real threads and a clock of its own?"""

from ouranos.engine.simulation import node, twin
from ouranos.kit import conditions, kinds, metrics, seams
from ouranos.kit.objects import Object


async def test_a_deployment_comes_up_and_then_nothing_moves() -> None:
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

        await home.until(available, within=60)
        assert conditions.is_true(await home.get(kinds.DEPLOYMENT, "web"), "Available")
        seen = [0]

        async def still() -> bool:
            before, seen[0] = seen[0], metrics.RECONCILE_SECONDS.count("deployment", "")
            return before == seen[0] > 0

        await home.until(still, within=60, every=0.3)
