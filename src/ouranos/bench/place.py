"""The cloud that is measured: its processes, what they use, and the way to its API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouranos.bench import machine
from ouranos.engine.node import cgroups
from ouranos.kit import kinds
from ouranos.look import state
from ouranos.solo import door, lock, paths
from ouranos.solo import machine as solo_machine

NAME = "bench"


@dataclass(frozen=True, slots=True)
class Place:
    """One cloud, looked at from outside."""

    root: Path

    @property
    def paths(self) -> paths.Paths:
        """Its files."""
        return paths.Paths(self.root, NAME)

    @property
    def _bridge(self) -> str:
        return solo_machine.bridge_name(self.paths)

    def ours(self) -> set[int]:
        """The daemon and its supervisor."""
        found = (self.paths.daemon_lock, self.paths.supervisor_lock)
        return {pid for file in found if (pid := lock.holder_of(file)) is not None}

    def processes(self) -> set[int]:
        """All processes of the cloud: in its cgroups, those that name its folder, and ours."""
        named = machine.processes_naming(str(self.paths.folder))
        return machine.processes_below(self._bridge) | named | self.ours()

    def cpu_of_ours(self) -> machine.Used:
        """CPU seconds of daemon and supervisor."""
        used = [machine.cpu_of(pid) for pid in self.ours()]
        return machine.Used(sum(one.own for one in used), sum(one.children for one in used))

    def cpu(self) -> float:
        """CPU seconds of the whole cloud: of all containers, past and present, and of ours.

        What a probe's command uses inside its container is counted there and as a child of ours.
        """
        inside = cgroups.Cgroups(f"ouranos/{self._bridge}").usage("")
        return inside.cpu_seconds + self.cpu_of_ours().all

    def container(self, name: str) -> int | None:
        """The main process of the container of that name, by the node's own records."""
        for file in (self.paths.node / "containers").glob("*/record.json"):
            try:
                record: dict[str, Any] = json.loads(file.read_bytes())
            except FileNotFoundError:
                continue
            if (record["role"], record.get("phase"), record.get("container")) == (
                *("main", "running"),
                name,
            ):
                return int(record["init"]["pid"])
        return None

    async def is_ready(self) -> bool:
        """Whether the Cloud says so, and every container that runs."""
        async with door.connect(self.paths) as api:
            cloud = await api.get(kinds.CLOUD, NAME, NAME)
            pods = (await api.list(kinds.POD, NAME)).items
        told = [
            one
            for pod in pods
            if pod["status"].get("phase") == "Running"
            for one in pod["status"].get("containerStatuses", [])
        ]
        return cloud is not None and state.of_cloud(cloud).ready and all(x["ready"] for x in told)
