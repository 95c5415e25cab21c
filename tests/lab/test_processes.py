"""Is a component known again, and never taken for another?"""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ouranos.engine.node import identity
from ouranos.lab import errors, groups, lock, processes, programs, settings


@pytest.fixture
def lab(tmp_path: Path) -> settings.Settings:
    made = settings.Settings(tmp_path, tmp_path, run=tmp_path)
    made.folder.mkdir()
    return made


@pytest.fixture
def sleeper() -> Iterator[identity.Identity]:
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        found = identity.of(process.pid)
        assert found is not None
        yield found
        process.kill()


def test_who_was_started_is_known_again(lab: settings.Settings, sleeper: identity.Identity) -> None:
    assert processes.recorded(lab, "etcd") is None
    processes.record(lab, "etcd", sleeper)
    assert processes.recorded(lab, "etcd") == sleeper


@pytest.mark.parametrize("change", ["another process has its PID", "another boot", "half a record"])
def test_who_was_not_started_by_us_is_not_taken_for_it(
    lab: settings.Settings, sleeper: identity.Identity, change: str
) -> None:
    found = processes.Record(identity.boot(), sleeper)
    match change:
        case "another process has its PID":
            found = processes.Record(found.boot, identity.Identity(sleeper.pid, 1))
        case "another boot":
            found = processes.Record("earlier", sleeper)
        case _:
            pass
    lab.processes.mkdir()
    text = msgspec.json.encode(found)
    half = change == "half a record"
    (lab.processes / "etcd").write_bytes(text[: len(text) // 2] if half else text)
    assert processes.recorded(lab, "etcd") is None


async def test_stopping_ends_the_very_process_and_may_be_said_twice(
    lab: settings.Settings, sleeper: identity.Identity
) -> None:
    processes.record(lab, "etcd", sleeper)
    assert await processes.stop(lab, "etcd")
    assert not identity.is_alive(sleeper)
    assert not await processes.stop(lab, "etcd")


async def test_what_is_spawned_outlives_us_and_has_nothing_of_our_environment(
    lab: settings.Settings,
) -> None:
    found = await processes.spawn(lab, "one", ["/bin/sh", "-c", "env; exec sleep 600"], [])
    assert found is not None
    log = lab.logs / "one.log"
    try:
        async with asyncio.timeout(30):
            while "PATH" not in (said := log.read_text()):  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
        names = {line.partition("=")[0] for line in said.splitlines()}
        assert names <= {*programs.ENVIRONMENT, "PWD", "SHLVL", "OLDPWD", "_"}
        assert found not in _children()
    finally:
        identity.send(found, signal.SIGKILL)
        await identity.ended(found)


def _children() -> list[identity.Identity | None]:
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [identity.of(int(pid)) for pid in text.split()]


async def test_whom_nobody_had_time_to_write_down_is_not_started_twice(
    lab: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = f"61{os.getpid()}"
    one = processes.Component("etcd", ("/bin/sleep", word), "control-plane")
    other = processes.Component("other", ("/bin/sleep", "--", word), "control-plane")
    nobody: list[Path] = []
    monkeypatch.setattr(groups, "ensure", lambda _: nobody)
    monkeypatch.setattr(groups, "processes", lambda _: set(identity.naming(word)))
    try:
        await processes.ensure(lab, other)
        await processes.ensure(lab, one)
        lost = processes.recorded(lab, "etcd")
        (lab.processes / "etcd").unlink()
        assert await processes.ensure(lab, one)
        assert not identity.is_alive(lost)
        found = {processes.recorded(lab, "etcd"), processes.recorded(lab, "other")}
        assert set(identity.naming(word)) == found
    finally:
        for running in identity.naming(word):
            identity.send(running, signal.SIGKILL)


async def test_a_process_that_has_ended_has_no_child() -> None:
    assert await processes.child(identity.Identity(2**22, 1)) is None
    assert await processes.child(None) is None


async def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(errors.LabError, match=r"ended with 3: no such luck"):
        await programs.run("/bin/sh", "-c", "echo no such luck >&2; exit 3")


async def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(errors.LabError, match="not done within 0 s"):
        await programs.run("/bin/sleep", "600", seconds=0.05)


async def test_a_program_reads_what_it_is_given() -> None:
    assert await programs.run("/bin/cat", stdin=b"words") == "words"


def test_only_one_changes_a_lab(lab: settings.Settings) -> None:
    with (
        lock.held(lab, "up"),
        pytest.raises(errors.LabError, match=r"`up` \(process \d+\)") as refused,
        lock.held(lab, "down"),
    ):
        pass
    assert refused.value.hint
    with lock.held(lab, "down"):
        pass


def test_a_lab_in_another_folder_is_not_changed_from_here(
    lab: settings.Settings, tmp_path: Path
) -> None:
    here = replace(lab, root=tmp_path / "here")
    with lock.held(lab, "up"):
        pass
    for purpose in ("up", "down"):
        with (
            pytest.raises(errors.LabError, match=f"lab 0 is in {lab.folder}") as refused,
            lock.held(here, purpose),
        ):
            pass
        assert f"OURANOS_ROOT={lab.root}," in refused.value.hint
    with lock.held(replace(lab, number=1), "up"):
        pass
    lab.folder.rmdir()
    with lock.held(here, "up"):
        pass


def test_whoever_waited_for_a_lock_that_is_removed_holds_another(
    lab: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = fcntl.flock

    def after_down(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", take)
        lab.lock.unlink()
        take(handle, how)

    monkeypatch.setattr(fcntl, "flock", after_down)
    with (
        lock.held(lab, "up"),
        pytest.raises(errors.LabError, match="is being changed"),
        lock.held(lab, "down"),
    ):
        pass


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--nodes=10"], "error: a lab has 1 to 9 nodes, not 10\n"),
        (["up", "--nodes=0"], "error: a lab has 1 to 9 nodes, not 0\n"),
        (["--lab=12", "up"], "error: a lab's number is 0 to 9, not 12\n"),
        (
            ["load", "archive.tar"],
            "error: there is no lab\nhint: bring one up: make kubernetes\n",
        ),
        (["up", "--public=10.0.0.1/8"], "error: 10.0.0.1/8 has host bits set\n"),
    ],
)
def test_a_command_that_is_refused_says_so_and_makes_nothing(
    tmp_path: Path, words: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ouranos.lab", *words],
        env={"OURANOS_ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == said
    assert list(tmp_path.iterdir()) == []
