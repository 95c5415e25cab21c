"""Another image of the controllers: another leader, and no pod of the cloud restarts."""

from __future__ import annotations

from tests_cloud import eventually
from tests_cluster import CONTROLLERS, Cluster

DEPLOYMENT = "ouranos-controllers"


def test_an_upgrade_of_the_controllers_restarts_no_pod_of_the_cloud(running: Cluster) -> None:
    running.wait_settled()
    before, leader = running.pods(), running.leader()
    (container,) = running.object("deployments", DEPLOYMENT, CONTROLLERS)["spec"]["template"][
        "spec"
    ]["containers"]
    image = container["image"]
    newer = f"{image}-newer"
    for node in running.place.present():
        running.inside(node.number, "ctr", "-n", "k8s.io", "images", "tag", "--force", image, newer)
    target = f"deployment/{DEPLOYMENT}"
    running.kubectl("set", "image", target, f"{container['name']}={newer}", "-n", CONTROLLERS)
    running.kubectl("rollout", "status", target, "-n", CONTROLLERS, "--timeout=300s")
    eventually(lambda: running.leader() not in {"", leader}, 120, "another leader")
    name = running.leader()
    (now,) = running.object("pods", name, CONTROLLERS)["spec"]["containers"]
    assert now["image"] == newer
    # The new one looks at everything once; what it would change it has changed by then.
    moment = running.object("clouds", running.name)["metadata"]["resourceVersion"]
    running.kubectl("annotate", "cloud", running.name, "-n", running.name, "looked=again")
    assert running.object("clouds", running.name)["metadata"]["resourceVersion"] != moment
    running.wait_settled()
    assert running.pods() == before
