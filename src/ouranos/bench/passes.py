"""How long does a pass take that changes nothing? Every object is touched, on a cloud at rest.

The figures are the daemon's own: what its histogram has gained between two readings. A pass that
sent a write, to its own API or to anything outside, is not among them. What was found right outside
(SQL, Keystone, RabbitMQ) is looked at beside the passes and told in a row of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ouranos.bench import figures, place
from ouranos.kit import cluster, kinds, metrics, objects
from ouranos.solo import door

Buckets = Counter[float]
"""How many values were at most so long, by seconds."""

TOUCHED = (
    *(kinds.CLOUD, kinds.KEYSTONE, kinds.GLANCE, kinds.PLACEMENT, kinds.NOVA, kinds.NEUTRON),
    *(kinds.CINDER, kinds.MARIADB, kinds.RABBITMQ, kinds.MEMCACHED, kinds.OVN, kinds.HYPERVISOR),
    *(kinds.DATABASE, kinds.VHOST, kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET),
    *(kinds.SERVICE, kinds.REPLICA_SET),
)
_MARK = "bench.ouranos.cloud/round"
_ROUNDS = 3
_PAUSE = 0.25  # seconds between two objects: a cloud at rest has no queue
_APART = 65.0  # seconds between the beginnings of rounds: what is outside is looked at every 60


@dataclass(frozen=True, slots=True)
class Passes:
    """What the histogram has gained.

    Attributes:
        by_kind: for each controller, how long its passes took.
        cpu: CPU seconds of the daemon beyond what it uses at rest.
        looks: how long the looks took at what is outside.
    """

    by_kind: Mapping[str, Buckets]
    cpu: float
    looks: Buckets

    @property
    def all(self) -> Buckets:
        """Of all controllers together."""
        total: Buckets = Counter()
        for each in self.by_kind.values():
            total.update(each)
        return total


async def measure(where: place.Place, *, resting: float) -> Passes:
    """Touch every object in rounds and read what the passes took.

    Args:
        where: the cloud, at rest.
        resting: CPU seconds that the daemon uses in a second of rest.
    """
    loop = asyncio.get_running_loop()
    before, cpu, begun = await door.metrics(where.paths), where.cpu_of_ours().own, loop.time()
    async with door.connect(where.paths) as api:
        for number in range(_ROUNDS):
            next_round = loop.time() + _APART
            await _touch_all(api, str(number))
            await asyncio.sleep(max(0.0, next_round - loop.time()))
    spent = where.cpu_of_ours().own - cpu - resting * (loop.time() - begun)
    after = await door.metrics(where.paths)
    looks: Buckets = Counter()
    for each in gained(before, after, metrics.LOOK_SECONDS.name).values():
        looks.update(each)
    return Passes(gained(before, after, metrics.UNCHANGED_SECONDS.name), max(spent, 0.0), looks)


async def _touch_all(api: cluster.Cluster, mark: str) -> None:
    patch = {"metadata": {"annotations": {_MARK: mark}}}
    for kind in TOUCHED:
        for obj in (await api.list(kind, place.NAME)).items:
            await api.patch(kind, objects.key_of(obj).name, place.NAME, patch)
            await asyncio.sleep(_PAUSE)


def gained(before: str, after: str, name: str) -> dict[str, Buckets]:
    """What a histogram has gained between two readings, for each kind that it has seen."""
    old, new = _read(before, name), _read(after, name)
    found: dict[str, Buckets] = {}
    for kind, buckets in new.items():
        known = old.get(kind, Counter())
        more = Counter({bound: number - known[bound] for bound, number in buckets.items()})
        if count(more):
            found[kind] = more
    return found


def _read(text: str, name: str) -> dict[str, Buckets]:
    found: dict[str, Buckets] = {}
    pattern = re.compile(rf'{name}_bucket{{kind="([^"]+)",le="([^"]+)"}} (\d+)')
    for kind, bound, number in pattern.findall(text):
        found.setdefault(kind, Counter())[float(bound)] = int(number)
    return found


def count(buckets: Buckets) -> int:
    """How many values there were."""
    return max(buckets.values(), default=0)


def quantile(buckets: Buckets, share: float) -> float:
    """Milliseconds: the lowest bound that this share of the values does not exceed."""
    wanted = share * count(buckets)
    return next((bound for bound, n in sorted(buckets.items()) if n >= wanted), 0.0) * 1000


def fill(table: figures.Table, found: Passes) -> None:
    """Write the row, and a table of all kinds."""
    number = count(found.all)
    cpu = found.cpu / number if number else None
    table.measured["pass"] = figures.Measured(quantile(found.all, 0.95), cpu)
    if count(found.looks):
        table.measured["look"] = figures.Measured(quantile(found.looks, 0.95))
    else:
        table.missing["look"] = "nothing outside was looked at"
    lines = [
        "### Passes that change nothing",
        "",
        f"{number} passes on a cloud at rest, each object touched {_ROUNDS} times; milliseconds,",
        "rounded up to a bound of the histogram.",
        "",
        "| controller | passes | half | p95 | longest |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, buckets in sorted(found.by_kind.items()):
        shown = " | ".join(f"≤ {quantile(buckets, share):g}" for share in (0.5, 0.95, 1.0))
        lines.append(f"| {kind} | {count(buckets)} | {shown} |")
    table.details.append("\n".join((*lines, "")))
