"""What `ouranos uninstall` refuses, what it removes, and what it leaves and names."""

from __future__ import annotations

from tests_cloud import eventually
from tests_cluster import CONTROLLERS, Cluster


def test_a_cloud_is_not_left_unattended(running: Cluster) -> None:
    done = running.run("uninstall", "--yes", check=False)
    assert done.returncode == 1
    assert f"{running.name}/{running.name}" in done.stderr
    assert running.ready()


def test_all_is_removed_but_data_which_is_named(running: Cluster) -> None:
    claims = {each["metadata"]["name"] for each in running.objects("persistentvolumeclaims")}
    assert {"data-mariadb-0", "data-rabbitmq-0", "data-ovn-0"} <= claims
    running.kubectl("delete", "cloud", running.name, "-n", running.name, "--timeout=300s")
    eventually(lambda: not running.objects("deployments"), 300, "no Deployment left")
    done = running.run("uninstall", "--yes")
    told = f"{done.stdout}{done.stderr}"
    for claim in claims:
        assert f"{running.name}/{claim}" in told
    left = {each["metadata"]["name"] for each in running.objects("persistentvolumeclaims")}
    assert left == claims
    definitions = running.kubectl("get", "crds", "-o", "name")
    assert "ouranos.cloud" not in definitions
    assert CONTROLLERS not in running.kubectl("get", "namespaces", "-o", "name")
