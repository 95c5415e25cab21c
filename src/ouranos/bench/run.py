"""The measurements in order: a cloud from nothing, from images, at rest, hurt, stopped, started."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from ouranos.bench import (
    api,
    command,
    controlplane,
    figures,
    gap,
    kubernetes,
    machine,
    passes,
    place,
    ratios,
    rest,
    scale,
    servers,
)
from ouranos.kit import errors
from ouranos.solo import door, paths
from ouranos.verify import story

_HELP_RUNS = 9
_TROUBLE = (
    command.FailedError,
    door.NotUpError,
    errors.OuranosError,
    httpx2.HTTPError,
    story.ProofError,
    LookupError,
    OSError,
    TimeoutError,
)
"""What keeps a row from being measured, and must not keep the others."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Bench:
    """Measures a cloud below `root`, a folder of its own, made from `file`.

    Attributes:
        file: the Cloud, as `bench_file` wrote it.
    """

    root: Path
    file: Path
    say: Say
    table: figures.Table = field(default_factory=figures.Table)

    @property
    def where(self) -> place.Place:
        """The cloud."""
        return place.Place(self.root)

    @property
    def ouranos(self) -> command.Ouranos:
        """The command line."""
        return command.Ouranos(self.where)

    def run(self) -> figures.Table:
        """Measure everything; the cloud is removed at the end, whatever happened."""
        try:
            self.part(("bare",), self.bare)
            self.part(("images",), self.images)
            self.part(("active", "answers"), self.more_servers)
            self.part(
                ("memory", "idle", "daemon-memory", "daemon-idle", "daemon-runs", "pass", "look"),
                self.at_rest,
            )
            self.part(tuple(name for name in figures.ROWS if name.startswith("gap")), self.gaps)
            self.part(("again",), self.again)
        finally:
            self.remove()
        self.part(("help",), self.help)
        self.part(
            ("get", "apply", "watch", "apply-8", "tls-get", "tls-apply", "tls-watch"), self.api
        )
        return self.table

    def run_on_kubernetes(self) -> figures.Table:
        """Measure a real Kubernetes, a cloud in it, and its API server beside ours."""
        self.table.rows = figures.CLUSTER_ROWS
        self.root.mkdir(parents=True, exist_ok=True)
        held = kubernetes.Kubernetes(self.root, json.loads(self.file.read_bytes()), self.table)
        held.remove()
        try:
            self.part(("lab-nothing",), held.compiled)
            self.part(("lab",), held.started)
            self.part(("oci-nothing", "oci"), held.images)
            self.part(("cluster",), held.guest)
        finally:
            held.remove()
            self.remove()
        self.part(
            tuple(name for name in figures.CLUSTER_ROWS if name.startswith("controllers")),
            self.controllers,
        )
        self.compare()
        return self.table

    def part(self, names: tuple[str, ...], measure: Callable[[], None]) -> None:
        """Make one measurement and say its rows; what goes wrong is written into them."""
        self.say(f"measuring {self.table.rows[names[0]].what}")
        try:
            measure()
        except _TROUBLE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.say(f"not measured: {error}")
            self.table.missing |= dict.fromkeys(names, reason[:200])
        for name in names:
            if name in self.table.measured:
                self.say(self.table.line(name))

    def remove(self) -> None:
        """Remove the cloud, if there is one, and what a run that was ended has left."""
        if self.where.paths.folder.exists():
            self.ouranos.done("down", "--destroy", "--yes")
        shutil.rmtree(self.where.paths.images, ignore_errors=True)

    def bare(self) -> None:
        """From a machine that has nothing to a guest that answers."""
        self.remove()
        self.table.measured["bare"] = self._guest_answers()

    def images(self) -> None:
        """The same with images, and nothing else, of an earlier cloud."""
        if self.where.paths.folder.exists():
            self.ouranos.done("down", "--destroy", "--keep-images", "--yes")
        self.table.measured["images"] = self._guest_answers()

    def _guest_answers(self) -> figures.Measured:
        meter = machine.Meter()
        self.ouranos.done("up", str(self.file))
        return servers.guest_answers(self.ouranos, meter)

    def more_servers(self) -> None:
        """One more server, three times."""
        servers.measure(self.ouranos, self.where, self.table)

    def at_rest(self) -> None:
        """Idleness, and passes that change nothing."""
        resting = rest.measure(self.where, self.table)
        found = asyncio.run(passes.measure(self.where, resting=resting))
        passes.fill(self.table, found)

    def gaps(self) -> None:
        """What a guest notices of the death of agents."""
        asyncio.run(gap.measure(self.where, self.table, self.say))

    def again(self) -> None:
        """Down and up with data kept."""
        self.ouranos.done("down")
        spent = self.ouranos.done("up")
        self.table.measured["again"] = figures.Measured(spent.wall, spent.cpu)

    def help(self) -> None:
        """The middle of several calls for help."""
        spent = sorted(
            (self.ouranos.alone("--help") for _ in range(_HELP_RUNS)), key=lambda one: one.wall
        )[_HELP_RUNS // 2]
        self.table.measured["help"] = figures.Measured(spent.wall * 1000, spent.cpu)

    def api(self) -> None:
        """The embedded API alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        asyncio.run(api.measure(self.table, self.root))

    def controllers(self) -> None:
        """The controllers' process beside a kube-apiserver without nodes, at several sizes."""
        self.root.mkdir(parents=True, exist_ok=True)
        asyncio.run(scale.fill(self.table, self.root, self.say))

    def compare(self) -> None:
        """The embedded API beside kube-apiserver with etcd; compiled first where nobody has yet."""
        self.say("measuring the embedded API and kube-apiserver")
        try:
            ours, theirs = asyncio.run(ratios.measure(self.root))
        except (*_TROUBLE, controlplane.PlaneError) as error:
            self.table.details.append(f"Not compared with kube-apiserver: {error}\n")
            return
        self.table.details.append(ratios.table(ours, theirs))


def bench_file(folder: Path, original: dict[str, Any]) -> Path:
    """The file's Cloud under our own name and on our own ranges, to stand beside any other."""
    document = json.loads(json.dumps(original))
    document["metadata"] = {"name": place.NAME}
    ours = {"management": "172.31.250.0/24", "public": "172.24.250.0/24"}
    document["spec"]["network"] = {**document["spec"].get("network", {}), **ours}
    path = folder / "bench-cloud.yaml"
    paths.write_private(path, json.dumps(document))  # JSON is YAML
    return path
