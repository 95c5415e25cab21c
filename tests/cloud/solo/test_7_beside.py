"""A second cloud beside the first: two `up` at once, the daemon killed in the middle of them.

Where the daemon is killed is told in conditions that have come true, not in seconds: a slow machine
and a fast one are hit at the same steps. `OURANOS_SEED` draws other points; a test's name has it.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tests_once
from tests_cloud import KINDS, Cloud, eventually, groups_of, left_of

from ouranos.kit import cluster, errors
from ouranos.solo import door, lock
from ouranos.verify import tenant

SEED = int(os.environ.get("OURANOS_SEED", "31"))
POINTS = 10
# How each kill is made: the daemon alone, with the `up` that waits for it, with all that is left.
WAYS = ("daemon",) * 6 + ("up",) * 2 + ("all",) * 2
PARTS = (
    *("mariadbs", "rabbitmqs", "memcacheds", "ovns", "databases", "vhosts", "hypervisors"),
    *("keystones", "glances", "placements", "novas", "neutrons", "cinders"),
)


@dataclass
class Raising:
    """The bringing up of a cloud by commands that are killed, and what they said."""

    cloud: Cloud
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])
    codes: dict[int, int] = field(default_factory=dict[int, int])
    kills: list[str] = field(default_factory=list[str])

    def said(self, pid: int) -> str:
        return (self.folder / f"up-{pid}.txt").read_text(encoding="utf-8")

    def start(self) -> subprocess.Popen[str]:
        draft = self.folder / "up.txt"
        with draft.open("w", encoding="utf-8") as said:
            made = self.cloud.start("up", str(self.cloud.file), said=said)
        draft.rename(self.folder / f"up-{made.pid}.txt")
        self.running.append(made)
        return made

    def living(self) -> list[subprocess.Popen[str]]:
        """The commands that run; what became of the others is written down."""
        for each in list(self.running):
            if each.poll() is not None:
                self.codes[each.pid] = each.returncode
                self.running.remove(each)
        return self.running

    def progress(self) -> int:
        """How many conditions of the cloud's parts are true; nought while nobody answers."""

        async def counted(api: cluster.Cluster) -> int:
            found = [each for part in PARTS for each in (await api.list(KINDS[part], name)).items]
            said = [one for each in found for one in each.get("status", {}).get("conditions", [])]
            return sum(one["status"] == "True" for one in said)

        name = self.cloud.name
        try:
            return self.cloud.ask(counted)
        except (errors.Transient, door.NotUpError, OSError):
            return 0

    def reach(self, point: int) -> None:
        """Wait until a new daemon has brought the cloud as far as a point."""

        def reached() -> bool:
            if not self.living():
                assert len(self.codes) < 4 * POINTS, "`up` goes on ending"
                self.start()
            return self.cloud.daemon() is not None and self.progress() >= point

        eventually(reached, 600, f"{point} conditions true, after {self.kills}", every=0.1)

    def kill(self, way: str) -> None:
        holder = lock.holder_of(self.cloud.paths.operation_lock)
        waiting = [each.pid for each in self.living()]
        victims = [self.cloud.daemon()]
        if way == "up":
            victims += [pid for pid in waiting if pid == holder]
        elif way == "all":
            victims = [lock.holder_of(self.cloud.paths.supervisor_lock), *victims, *waiting]
        for pid in victims:
            if pid is not None:
                end(pid)
        self.kills.append(way)

    def finish(self) -> None:
        """One more `up`, beside those that still wait."""
        self.start()

        def stuck() -> str:
            said = [self.said(each.pid)[-500:] for each in self.living()]
            return f"each `up` ending, after {self.kills}: {said}\n{self.cloud.told()}"

        eventually(lambda: not self.living(), 900, stuck)


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def points(total: int) -> list[int]:
    """One point in each tenth of the way."""
    chance = random.Random(SEED)
    return [chance.randrange(total * n // POINTS, total * (n + 1) // POINTS) for n in range(POINTS)]


@dataclass
class Neighbours:
    """Both clouds, what the first was like before, and how the second came up."""

    first: Cloud
    guest: Any
    before: dict[str, Any]
    boots: int
    raising: Raising
    pair: tuple[int, int]
    """The two `up` that were started together: the one that had the lock, the one that waited."""

    @property
    def second(self) -> Cloud:
        return self.raising.cloud

    def first_noticed_nothing(self) -> None:
        assert self.first.fingerprint() == self.before
        self.guest.wait_answers()
        assert self.guest.boots() == self.boots
        assert self.first.settled()


@pytest.fixture(scope="module", params=[SEED], ids=[f"OURANOS_SEED={SEED}"])
def neighbours(running: Cloud, beside: Cloud, guest: Any, foreign: Any) -> Generator[Neighbours]:
    running.wait_settled()
    foreign.untouched(running)
    before, boots = running.fingerprint(), guest.boots()
    raising = Raising(beside, beside.file.parent)
    try:
        pair = together(raising)
        ways = list(WAYS)
        random.Random(SEED).shuffle(ways)
        for point, way in zip(
            points(Raising(running, running.file.parent).progress()), ways, strict=True
        ):
            raising.reach(point)
            raising.kill(way)
        raising.finish()
        yield Neighbours(running, guest, before, boots, raising, pair)
    finally:
        for each in raising.living():
            each.kill()
            each.wait()


def together(raising: Raising) -> tuple[int, int]:
    """Start two `up` at once; which of them has the lock, and which waits for it."""
    first, second = raising.start().pid, raising.start().pid

    def told() -> tuple[int, int] | None:
        assert len(raising.living()) == 2, [raising.said(pid) for pid in (first, second)]
        for waiting, holding in ((first, second), (second, first)):
            if f"waiting for up (process {holding}) to finish" in raising.said(waiting):
                return holding, waiting
        return None

    return eventually(told, 120, "one `up` telling that it waits for the other")


def test_two_up_at_once_and_the_second_tells_who_holds_the_lock(neighbours: Neighbours) -> None:
    holding, waiting = neighbours.pair
    assert "waiting for up (process" not in neighbours.raising.said(holding)
    assert f"waiting for up (process {holding}) to finish" in neighbours.raising.said(waiting)


def test_each_up_that_was_not_killed_brings_the_cloud_to_ready(neighbours: Neighbours) -> None:
    raising = neighbours.raising
    assert raising.kills.count("daemon") == 6
    ended = {pid: code for pid, code in raising.codes.items() if code != -signal.SIGKILL}
    said = {pid: raising.said(pid) for pid in raising.codes}
    assert not [text for text in said.values() if "Traceback" in text], said
    assert 0 in ended.values()
    last = [text for pid, text in said.items() if raising.codes[pid] == 0]
    assert all(f"{neighbours.second.name}: Ready" in text for text in last), said
    # One that could not go on without a daemon says what it missed, and what to do.
    assert all("hint:" in said[pid] for pid, code in ended.items() if code), said
    neighbours.second.wait_settled()


def test_after_ten_kills_there_is_one_of_everything_in_the_servers(neighbours: Neighbours) -> None:
    second = neighbours.second
    claimed = [each["spec"]["database"] for each in second.objects("databases")]
    root = second.secret("mariadb-root-1")["username"]
    tests_once.in_the_database_server(second.sql, claimed, root, hypervisors=1)


def test_after_ten_kills_there_is_one_of_everything_in_openstack(neighbours: Neighbours) -> None:
    second = neighbours.second
    admin = tenant.connect_admin(str(second.paths.clouds_yaml), second.name)
    tests_once.in_openstack(admin, hypervisors=1)


def test_after_ten_kills_nothing_runs_twice(neighbours: Neighbours) -> None:
    second = neighbours.second
    records = second.records()
    parts = [(re.sub(r"-[a-z0-9]+(-[a-z0-9]{5})?$", "", r["pod"]), r["container"]) for r in records]
    assert not tests_once.once(parts)
    known = {each["id"] for each in records}
    alive = {found for line in groups_of(second) if (found := re.search(r"[0-9a-f]{64}", line))}
    assert {each.group() for each in alive} <= known, "no process of a container that ended"
    for kind in ("deployments", "statefulsets", "daemonsets"):
        names = [each["metadata"]["name"] for each in second.objects(kind)]
        assert sorted(names) == sorted(
            each["metadata"]["name"] for each in neighbours.first.objects(kind)
        )


def test_after_ten_kills_every_proof_passes(neighbours: Neighbours) -> None:
    report = neighbours.second.verify()
    assert report["proofs"][-1]["name"] == "nothing is left in OpenStack, libvirt, OVN"


def test_the_first_cloud_notices_nothing_of_the_second(neighbours: Neighbours) -> None:
    neighbours.first_noticed_nothing()


def test_the_second_goes_without_a_trace_and_without_the_first(
    neighbours: Neighbours, foreign: Any
) -> None:
    neighbours.second.destroy()
    assert left_of(neighbours.second) == []
    neighbours.first_noticed_nothing()
    foreign.untouched(neighbours.first)
