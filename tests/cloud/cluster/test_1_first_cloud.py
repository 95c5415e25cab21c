"""From an empty cluster to a proved cloud, the controllers killed ten times on the way.

Where they are killed is told in conditions that have come true, not in seconds: a slow machine
and a fast one are hit at the same steps. `OURANOS_SEED` draws other points; a test's name has it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tests_once
from tests_cloud import eventually
from tests_cluster import CONTROLLERS, KINDS, PARTS, Cluster

from ouranos.kit import cluster, errors, kinds
from ouranos.verify import tenant

SEED = int(os.environ.get("OURANOS_SEED", "47"))
POINTS = 10


def progress(running: Cluster) -> tuple[int, int]:
    """How many conditions of the cloud's parts are true, and how many there are."""

    async def counted(api: cluster.Cluster) -> tuple[int, int]:
        found = [each for part in PARTS for each in (await api.list(KINDS[part], name)).items]
        said = [one for each in found for one in each.get("status", {}).get("conditions", [])]
        return sum(one["status"] == "True" for one in said), len(said)

    name = running.name
    try:
        return running.ask(counted)
    except errors.Transient:
        return 0, 0


def kill_the_leader(running: Cluster) -> str:
    """End the process of the controllers that act, unasked, and take its pod away."""
    name = eventually(running.leader, 300, "a leader among the controllers")
    processes = subprocess.run(
        ["pgrep", "--full", "python3? -m ouranos.cluster"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    uid = running.object("pods", name, CONTROLLERS)["metadata"]["uid"]
    for pid in processes:
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        if running.place.name in groups and uid in groups:
            os.kill(int(pid), 9)
    # A container that fails again and again is started later and later; another pod is not.
    running.kubectl(
        *("delete", "pod", name, "-n", CONTROLLERS, "--grace-period=0", "--force"), check=False
    )
    return name


@pytest.fixture(scope="module", params=[SEED], ids=[f"OURANOS_SEED={SEED}"])
def raised(installed: Cluster) -> Cluster:
    """A Cloud that came up although the controllers were killed at ten points of the way."""
    chance = random.Random(SEED)
    installed.kubectl("create", "namespace", installed.name)
    installed.kubectl("apply", "-n", installed.name, "-f", str(installed.file))
    for number in range(POINTS):
        # The parts themselves take a moment to be there: the first points are early ones.
        share = chance.uniform(number / POINTS, (number + 1) / POINTS) * 0.9

        def reached(share: float = share) -> bool:
            true, there = progress(installed)
            return there > 0 and true >= share * there

        eventually(reached, 600, f"{share:.0%} of all conditions true: {installed.told()}")
        kill_the_leader(installed)
    return installed


def test_after_ten_kills_the_cloud_is_ready(raised: Cluster, running: Cluster) -> None:
    assert running.told().startswith(f"{raised.name}: Ready")


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
