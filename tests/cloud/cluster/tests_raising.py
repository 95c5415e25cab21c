"""How a cloud comes up while the controllers are killed at ten points of the way.

Where they are killed is told in conditions that have come true, not in seconds: a slow machine
and a fast one are hit at the same steps. `OURANOS_SEED` draws other points.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from tests_cloud import KINDS, eventually
from tests_cluster import CONTROLLERS, PARTS, Cluster

from ouranos.kit import cluster, errors

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


def come_up(running: Cluster) -> list[str]:
    """Apply the Cloud and kill who looks after it, ten times; the pods that were killed."""
    chance = random.Random(SEED)
    running.kubectl("apply", "-n", running.name, "-f", str(running.file))
    killed: list[str] = []
    for number in range(POINTS):
        share = chance.uniform(number / POINTS, (number + 1) / POINTS) * 0.9

        def reached(share: float = share) -> bool:
            true, there = progress(running)
            return there > 0 and true >= share * there

        eventually(reached, 900, f"{share:.0%} of all conditions true, after {killed}")
        killed.append(kill_the_leader(running))
    return killed
