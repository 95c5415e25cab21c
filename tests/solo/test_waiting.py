"""What is told while something is awaited: the machine first, then images, then the Cloud."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ouranos.images import catalog, processes, store
from ouranos.kit import cluster, errors
from ouranos.look import state
from ouranos.solo import doctor, images, machine, obstacles, paths, supervisor, waiting

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TAKEN = doctor.Finding("addresses", "172.31.0.0/24 is in use", "remove it")
FULL = doctor.Finding("disk", "the disk is full: /x has 3 MiB left", "make room")


def cloud(ready: str = "False", progressing: str = "True") -> dict[str, Any]:
    conditions = [
        {"type": "Ready", "status": ready, "message": "mariadb: its pod is not ready"},
        {"type": "Progressing", "status": progressing},
    ]
    for each in conditions:
        each["lastTransitionTime"] = NOW.isoformat()
    return {
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "conditions": conditions},
    }


def node(kind: str, reason: str, message: str) -> dict[str, Any]:
    said = {"type": kind, "status": "False", "reason": reason, "message": message}
    return {"status": {"conditions": [{**said, "lastTransitionTime": NOW.isoformat()}]}}


def test_what_is_in_the_way_comes_before_everything() -> None:
    told = state.of_world(cloud(ready="True"), [], [FULL])
    assert told.line("home", NOW) == "home: Not ready: the disk is full: /x has 3 MiB left"
    assert told.hint == "make room"


class Starting:
    """An API that says what it held before the daemon's start."""

    def __init__(self, *, ready: bool) -> None:
        self._ready = ready

    async def get(self, *_: Any) -> dict[str, Any]:
        return cloud(ready="True")

    async def list(self, *_: Any) -> cluster.Listing:
        return cluster.Listing([], "")

    async def is_ready(self) -> bool:
        return self._ready


@pytest.mark.parametrize(
    ("ready", "found", "told"),
    [
        (True, [TAKEN], "mariadb: its pod is not ready"),  # what the Cloud itself says
        (False, [], "waiting for the daemon's first look at what runs"),
        (False, [TAKEN], TAKEN.message),
    ],
)
async def test_an_old_word_is_taken_when_the_daemon_has_looked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ready: bool,  # noqa: FBT001
    found: list[doctor.Finding],
    told: str,
) -> None:
    monkeypatch.setattr(obstacles, "disks", lambda _: [])
    api: Any = Starting(ready=ready)
    _, now = await waiting.look(api, paths.Paths(tmp_path, "home"), machine.DEFAULT, found)
    assert now is not None
    assert now.ready is ready
    assert now.told == told


def test_what_the_cloud_itself_advises_is_the_hint() -> None:
    found = cloud()
    found["status"]["conditions"][0]["message"] = "no Node has the label x; hint: label a node"
    told = state.of_cloud(found)
    assert (told.told, told.hint) == ("no Node has the label x", "label a node")


def test_images_that_are_made_stand_beside_what_waits_for_them() -> None:
    making = node("ImagesReady", "Making", "image mariadb: base: unpacking 9 packages")
    told = state.of_world(cloud(), [making], [])
    assert told.line("home", NOW) == (
        "home: Not ready, for 0s: mariadb: its pod is not ready; "
        "image mariadb: base: unpacking 9 packages"
    )


def test_an_image_that_cannot_be_made_is_the_first_fact_with_its_hint() -> None:
    failed = node("ImagesReady", "Failed", "image node: nothing has arrived (hint: look at it)")
    told = state.of_world(cloud(), [failed], [])
    assert (told.told, told.hint) == ("image node: nothing has arrived", "look at it")


def test_a_node_that_cannot_run_pods_is_the_first_fact_with_its_hint() -> None:
    lost = node("Ready", "KubeletNotReady", "the range is in use on foreign0 (hint: remove it)")
    told = state.of_world(cloud(), [lost], [])
    assert (told.told, told.hint) == ("the range is in use on foreign0", "remove it")


@pytest.mark.parametrize("how", [{"ready": "True"}, {"progressing": "False"}])
def test_a_cloud_that_is_ready_or_stopped_waits_for_no_image(how: dict[str, str]) -> None:
    failed = node("ImagesReady", "Failed", "image libvirt: nothing has arrived")
    assert state.of_world(cloud(**how), [failed], []) == state.of_cloud(cloud(**how))


def test_a_full_disk_is_found_with_its_folder(tmp_path: Path) -> None:
    place = paths.Paths(tmp_path, "home")
    place.make_folder()
    assert list(obstacles.disks(place)) == []
    (found,) = obstacles.disks(place, least=2**62)
    assert found.message.startswith(f"the disk is full: {place.folder} has ")
    assert found.message.endswith(" MiB left")
    assert "goes on by itself" in found.hint


def test_the_ledger_tells_of_the_first_image_that_is_missing(tmp_path: Path) -> None:
    ledger = images.Ledger(tmp_path)
    ledger.hear(store.Progress("mariadb", "base: unpacking 9 packages", 0, 2))
    assert ledger.told() == (
        "False",
        "Making",
        "image mariadb: base: unpacking 9 packages (0 of 2 layers)",
    )
    ledger.ready |= {"mariadb"}
    assert ledger.told()[2] == "image node: looking"
    ledger.ready |= set(catalog.IMAGES)
    assert ledger.told() == ("True", "Ready", "all images can be mounted")


@pytest.mark.parametrize(
    ("error", "reason", "said"),
    [
        (
            processes.Failed("fetching the index from http://x: E: no\nE: again"),
            "Failed",
            (
                "image node: fetching the index from http://x: E: no E: again; it is tried again "
                "(hint: check the network, the proxy settings and /etc/apt/sources.list)"
            ),
        ),
        (
            processes.Failed("compiling 4 Python modules: ended with 1: it says nothing"),
            "Failed",
            (
                "image node: compiling 4 Python modules: ended with 1: it says nothing; "
                "it is tried again (hint: the daemon's log says more)"
            ),
        ),
    ],
)
def test_a_failure_is_one_line_with_a_hint(
    error: errors.OuranosError, reason: str, said: str, tmp_path: Path
) -> None:
    ledger = images.Ledger(tmp_path, failures={"node": error})
    assert ledger.told() == ("False", reason, said)


def test_a_full_disk_of_images_is_told_with_what_is_left(tmp_path: Path) -> None:
    ledger = images.Ledger(tmp_path, failures={"node": processes.DiskFull("unpacking: no space")})
    status, reason, said = ledger.told()
    assert (status, reason) == ("False", "DiskFull")
    assert said.startswith(f"image node: unpacking: no space: {tmp_path} has ")
    assert said.endswith(" MiB left (hint: make room on that disk; it then goes on by itself)")


def test_a_failure_is_over_once_the_image_comes_further_than_before(tmp_path: Path) -> None:
    ledger = images.Ledger(tmp_path)
    index, fetching = (
        store.Progress("node", step, 0, 2) for step in ("choosing packages", "fetching 3 packages")
    )
    ledger.hear(index)
    ledger.failures["node"] = processes.Failed("fetching the index: nothing has arrived")
    ledger.hear(index)
    assert ledger.told()[1] == "Failed", "the next try is where the last one was"
    ledger.hear(fetching)
    assert ledger.told() == ("False", "Making", "image node: fetching 3 packages (0 of 2 layers)")


async def test_who_waits_has_a_supervisor_started_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        async def list(self, *_: Any, **__: Any) -> cluster.Listing:
            raise errors.Unreachable("nobody listens")

    started: list[str] = []
    monkeypatch.setattr(supervisor, "spawn", lambda cloud: started.append(cloud.cloud))
    monkeypatch.setattr(obstacles, "find", lambda *_: [])
    api: Any = Silent()
    watch = waiting.Watch(paths.Paths(tmp_path, "home"), machine.DEFAULT, api, lambda _: None)
    with pytest.raises(waiting.DeadlineError):
        await watch.ready(asyncio.get_running_loop().time() + 1)
    assert started == ["home"], "once, for a supervisor needs its time to start"
