"""The measurements in order: a cloud from nothing, from images, at rest, stopped and started."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ouranos.bench import figures, machine
from ouranos.solo import lock, paths

CLOUD = "bench"
_HTTP = "HTTP by floating IP"  # how verify names the proof that a guest answers
_REST = 60.0  # seconds of idleness that are measured
_SETTLE = 45.0  # seconds after a start until caches are warm and periodic tasks have run once
_HELP_RUNS = 9
Say = Callable[[str], None]


@dataclass(slots=True)
class Bench:
    """Drives the command line of this installation on a cloud below `root`."""

    root: Path
    file: Path
    say: Say
    rows: list[figures.Figure] = field(default_factory=list[figures.Figure])

    @property
    def cloud(self) -> paths.Paths:
        """The cloud that is measured."""
        return paths.Paths(self.root, CLOUD)

    def command(self, *words: str) -> subprocess.Popen[str]:
        """Start a command of ours; its progress can be read line by line."""
        environment = {**os.environ, "OURANOS_ROOT": str(self.root), "OURANOS_CLOUD": CLOUD}
        ouranos = Path(sys.executable).with_name("ouranos")
        return subprocess.Popen(  # noqa: S603 - our own command
            [ouranos, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def done(self, *words: str) -> machine.Spent:
        """Run a command to its end and say what it cost.

        Raises:
            RuntimeError: it failed.
        """
        meter = machine.Meter()
        process = self.command(*words)
        _, said = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"ouranos {' '.join(words)} failed:\n{said}")
        return meter.read()

    def guest(self, meter: machine.Meter) -> tuple[machine.Spent, dict[str, float]]:
        """Verify; what was spent until the guest answered, and the seconds of each proof."""
        process = self.command("verify", "-o", "json")
        answered: machine.Spent | None = None
        told: list[str] = []
        for line in process.stderr or ():
            told.append(line)
            if _HTTP in line:
                answered = meter.read()
        report = process.stdout.read() if process.stdout else ""
        if process.wait() != 0 or answered is None:
            raise RuntimeError(f"ouranos verify failed:\n{''.join(told)}")
        return answered, {each["name"]: each["seconds"] for each in json.loads(report)["proofs"]}

    def add(
        self, what: str, bounds: tuple[str, str], measured: str, cpu: float | None = None
    ) -> None:
        """Keep a row and say it."""
        row = figures.Figure(what, *bounds, measured, f"{cpu:.0f}" if cpu is not None else "")
        self.rows.append(row)
        self.say(f"{what}: {measured}" + (f", {row.cpu} CPU s" if row.cpu else ""))


def run(bench: Bench) -> list[figures.Figure]:
    """Measure everything; the cloud and its files are removed at the end, whatever happened."""
    try:
        _remove(bench)
        _starts(bench)
        _more_servers(bench)
        _rest(bench)
        _again(bench)
        _help(bench)
    finally:
        _remove(bench)
    return bench.rows


def _remove(bench: Bench) -> None:
    if bench.cloud.folder.exists():
        bench.done("down", "--destroy", "--yes")


def _starts(bench: Bench) -> None:
    rows = (
        ("bare machine → guest answers HTTP by its floating IP", ("≤ 130 s, 180 CPU-s", "≤ 80 s")),
        ("images present, empty databases → the same", ("≤ 75 s, 100 CPU-s", "≤ 45 s")),
    )
    for number, (what, bounds) in enumerate(rows):
        if number:
            bench.done("down", "--destroy", "--keep-images", "--yes")
        meter = machine.Meter()
        bench.done("up", str(bench.file))
        spent, _ = bench.guest(meter)
        bench.add(what, bounds, f"{spent.wall:.0f} s", spent.cpu)


def _more_servers(bench: Bench) -> None:
    seen = [bench.guest(machine.Meter())[1] for _ in range(3)]
    active = sorted(each["server ACTIVE"] for each in seen)[1]
    answer = sorted(
        each["server ACTIVE"]
        + next(value for name, value in each.items() if name.startswith(_HTTP))
        for each in seen
    )[1]
    bench.add("one more server: POST → ACTIVE", ("≤ 5 s", "≤ 4 s"), f"{active:.1f} s")
    bench.add("one more server: POST → answers HTTP", ("≤ 10 s", "≤ 8 s"), f"{answer:.1f} s")


def _rest(bench: Bench) -> None:
    time.sleep(_SETTLE)
    pid = lock.holder_of(bench.cloud.daemon_lock)
    supervisor = lock.holder_of(bench.cloud.supervisor_lock)
    ours = {each for each in (pid, supervisor) if each is not None}
    everything = _everything(bench) | ours
    before, before_ours = machine.cpu_of(everything), machine.cpu_of(ours)
    time.sleep(_REST)
    share = (machine.cpu_of(everything) - before) / _REST * 100
    share_ours = (machine.cpu_of(ours) - before_ours) / _REST * 100
    memory = machine.pss_of(everything) / 1024**3
    ours_memory = machine.pss_of(ours) / machine.MIB
    bench.add("idle: PSS of everything", ("≤ 3.5 GB", "≤ 2.8 GB"), f"{memory:.2f} GiB")
    bench.add("idle: share of one core", ("≤ 8 %", "≤ 4 %"), f"{share:.1f} %")
    bench.add(
        "Ouranos' daemon and supervisor: memory",
        ("≤ 180 MiB", "≤ 128 MiB"),
        f"{ours_memory:.0f} MiB",
    )
    bench.add("Ouranos' daemon: idle CPU", ("≤ 2 %", "≤ 0.5 %"), f"{share_ours:.1f} %")
    bench.add("a pass of any kind since the start, p95", ("", ""), f"≤ {_pass(bench):.0f} ms")


def _everything(bench: Bench) -> set[int]:
    """All processes of the cloud: in its cgroups, and conmon beside them."""
    from ouranos.solo import machine as place  # noqa: PLC0415 - the name is taken here

    name = place.bridge_name(bench.cloud)
    found = machine.processes_below(name)
    folder = str(bench.cloud.folder)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if folder in words:
                found.add(int(entry.name))
    return found


def _pass(bench: Bench) -> float:
    """Milliseconds, from the daemon's own histogram: the bucket that holds the 95th percentile."""
    process = subprocess.run(  # noqa: S603 - our own command
        [Path(sys.executable).with_name("ouranos"), "metrics"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OURANOS_ROOT": str(bench.root), "OURANOS_CLOUD": CLOUD},
    )
    return quantile(process.stdout, "reconcile_seconds", 0.95) * 1000


def quantile(text: str, name: str, share: float) -> float:
    """Seconds below which this share of a histogram lies, all label sets of one bound together."""
    buckets: dict[float, float] = {}
    for line in text.splitlines():
        found = re.fullmatch(rf'{name}_bucket{{(.*)le="([^"]+)"(.*)}} (\S+)', line)
        if found and 'step="' not in line.replace('step=""', ""):
            bound = float(found[2].replace("+Inf", "inf"))
            buckets[bound] = buckets.get(bound, 0.0) + float(found[4])
    total = max(buckets.values(), default=0.0)
    return next((bound for bound, count in sorted(buckets.items()) if count >= share * total), 0.0)


def _again(bench: Bench) -> None:
    bench.done("down")
    spent = bench.done("up")
    bench.add(
        "`down`, then `up` with data kept → all Ready",
        ("≤ 45 s", "≤ 25 s"),
        f"{spent.wall:.0f} s",
        spent.cpu,
    )


def _help(bench: Bench) -> None:
    times = sorted(bench.done("--help").wall for _ in range(_HELP_RUNS))
    bench.add(
        "`ouranos --help`", ("≤ 100 ms", "≤ 60 ms"), f"{times[_HELP_RUNS // 2] * 1000:.0f} ms"
    )


def bench_file(folder: Path, original: dict[str, Any]) -> Path:
    """The file's Cloud under our own name and on our own ranges, to stand beside any other."""
    document = json.loads(json.dumps(original))
    document["metadata"] = {"name": CLOUD}
    ours = {"management": "172.31.250.0/24", "public": "172.24.250.0/24"}
    document["spec"]["network"] = {**document["spec"].get("network", {}), **ours}
    path = folder / "bench-cloud.yaml"
    paths.write_private(path, json.dumps(document))  # JSON is YAML
    return path
