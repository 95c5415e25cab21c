"""A cloud that came up although its controllers were killed ten times; what people see of it."""

from __future__ import annotations

import json
from typing import Any

import tests_once
from tests_cluster import CONTROLLERS, Cluster

from ouranos.kit import cluster, errors, kinds
from ouranos.verify import tenant


def test_after_ten_kills_there_is_one_of_everything(running: Cluster) -> None:
    claimed = [each["spec"]["database"] for each in running.objects("databases")]
    root = running.secret("mariadb-root-1")["username"]
    tests_once.in_the_database_server(running.sql, claimed, root, hypervisors=1)
    admin = tenant.connect_admin(str(running.clouds_yaml), running.name)
    tests_once.in_openstack(admin, hypervisors=1)


def test_every_proof_passes_as_in_solo(running: Cluster) -> None:
    names = [proof["name"] for proof in running.verify()["proofs"]]
    assert names[-1] == "nothing is left in OpenStack, libvirt, OVN"
    assert {"server ACTIVE", "HTTP by floating IP, metadata, user-data"} <= set(names)


def test_a_second_apply_changes_nothing(running: Cluster) -> None:
    before = running.pods()
    running.kubectl("apply", "-n", running.name, "-f", str(running.file))
    assert running.ready()
    assert running.pods() == before


def test_kubectl_shows_what_people_ask_for(running: Cluster) -> None:
    words = "clouds,keystones,glances,placements,novas,neutrons,cinders,hypervisors,mariadbs"
    table = running.kubectl("get", words, "-n", running.name)
    for heading in ("READY", "RELEASE", "AGE"):
        assert heading in table
    rows = [line.split() for line in table.splitlines() if ".ouranos.cloud/" in line]
    assert len(rows) == 9
    assert all("True" in row for row in rows), table


def test_no_container_is_without_requests_limits_and_a_read_only_root(running: Cluster) -> None:
    pods = [*running.objects("pods"), *running.objects("pods", CONTROLLERS)]
    for pod in pods:
        assert pod["status"]["qosClass"] != "BestEffort", pod["metadata"]["name"]
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            where = f"{pod['metadata']['name']} {container['name']}"
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where
            assert container["securityContext"]["readOnlyRootFilesystem"], where


def test_all_pods_but_those_of_machines_are_admitted_as_restricted(running: Cluster) -> None:
    """Asked of PodSecurity itself: each pod once more, in a namespace that enforces it."""
    label = "pod-security.kubernetes.io/enforce"
    refused: list[tuple[str, bool]] = []

    async def asked(api: cluster.Cluster) -> None:
        await api.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "restricted", "labels": {label: "restricted"}},
            }
        )
        for pod in (await api.list(kinds.POD, running.name)).items:
            name = pod["metadata"]["labels"]["app.kubernetes.io/name"]
            spec: dict[str, Any] = {
                key: value for key, value in pod["spec"].items() if key != "nodeName"
            }
            tried = {"name": "tried", "namespace": "restricted"}
            template = {"apiVersion": "v1", "kind": "Pod", "metadata": tried, "spec": spec}
            try:
                await api.apply(template, dry_run=True)
            except errors.Forbidden as error:
                refused.append((name, "violates PodSecurity" in str(error)))
        await api.delete(kinds.NAMESPACE, "restricted")

    running.ask(asked)
    assert set(refused) == {("hypervisor", True)}


def test_people_are_told_by_events(running: Cluster) -> None:
    found = json.loads(running.kubectl("get", "events", "-n", running.name, "-o", "json"))["items"]
    told = {(each["involvedObject"]["kind"], each["reason"]) for each in found}
    assert any(kind == "Cloud" for kind, _ in told), told
