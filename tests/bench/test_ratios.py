"""Are both servers asked the same, and is what they did written down?"""

from __future__ import annotations

import itertools

from ouranos.bench import ratios
from ouranos.kit import cluster, kinds


async def test_every_call_is_made_and_timed(source: cluster.Cluster) -> None:
    await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    ticks = itertools.count()
    trial = ratios.Trial(source, lambda: float(next(ticks)), objects=30, calls=4, lists=2)
    found = await trial.run()
    counts = {name: len(side.seconds) for name, side in found.items()}
    assert counts == {"get": 4, "apply": 4, "list": 2, "watch": 4}
    assert found["get"].cpu == 1 / 4
    assert found["watch"].cpu is None
    assert len((await source.list(kinds.CONFIG_MAP, "default")).items) == 30


def test_ratios_say_how_many_times_as_much_kubernetes_takes() -> None:
    ours = dict.fromkeys(
        ("start", "get", "apply", "list", "watch"), ratios.Side([0.002, 0.002, 0.004], 0.001)
    )
    theirs = {**ours, "get": ratios.Side([0.004, 0.004, 0.01], 0.0005)}
    theirs["watch"] = ratios.Side([0.002, 0.002, 0.004], None)
    lines = {line.split(" | ")[0]: line for line in ratios.table(ours, theirs).splitlines()}
    assert (
        lines["| get"]
        == "| get | 2.0 / 4.0 ms | 4.0 / 10.0 ms | 2.0 / 2.5 | 0.0010 | 0.0005 | 0.5 |"
    )
    assert lines["| delay of a watch event"].endswith("| 0.0010 | - | - |")
    assert lines["| start → `/readyz`"].startswith("| start → `/readyz` | 0.0 / 0.0 s |")
