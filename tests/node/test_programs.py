"""How runc and conmon are spoken to: small programs in their place, on the same pipes and files."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from node_builders import record
from node_runtime import Space

from ouranos.engine.node import (
    cgroups,
    config,
    conmon,
    containers,
    identity,
    processes,
    records,
    registration,
    runc,
)
from ouranos.kit import errors

CONMON = """\
#!/bin/sh
# $BUNDLE and what it answers are told by files beside the program
here=$(dirname "$0")
echo "$@" >"$here/arguments"
exec 8</proc/self/fd/$_OCI_STARTPIPE 9>/proc/self/fd/$_OCI_SYNCPIPE
dd bs=1 count=1 <&8 >/dev/null 2>&1
sh "$here/answer" >&9 9>&- 8<&-
"""
RUNC = """\
#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
sh "$here/reply" "$@"
"""


class Host:
    """A folder of programs, and a node's layout."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name, text in (("conmon", CONMON), ("runc", RUNC)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        self.reply("exit 0")
        self.layout = config.Layout(folder / "node")
        self.layout.make()
        self.groups = cgroups.Cgroups("of/the/test", (fake_tree(folder / "groups"),))
        self.held = containers.Containers(
            self.layout,
            Space(),  # type: ignore[arg-type]
            self.groups,
            f"{self.programs}:/usr/bin:/bin",
        )

    def reply(self, script: str) -> None:
        (self.programs / "reply").write_text(script)

    def answer(self, script: str) -> None:
        (self.programs / "answer").write_text(script)

    @property
    def calls(self) -> list[str]:
        path = self.programs / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def order(self) -> conmon.Order:
        bundle = self.layout.container("c1")
        bundle.mkdir(exist_ok=True)
        return conmon.Order(
            "c1",
            bundle,
            self.layout.logs / "c1.log",
            self.layout.exits,
            self.layout.sockets,
            self.layout.runtime,
            1024,
            str(self.programs),
        )


def fake_tree(folder: Path) -> cgroups.Hierarchy:
    folder.mkdir(parents=True)
    return cgroups.Hierarchy(folder, frozenset({"memory"}), unified=False)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@contextmanager
def started(script: str, *words: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a script that says a line once it is under way."""
    command = ["sh", "-c", script, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def identified(process: subprocess.Popen[bytes]) -> identity.Identity:
    found = identity.of(process.pid)
    assert found
    return found


def running(process: subprocess.Popen[bytes] | None = None, **more: object) -> records.Record:
    told = {"boot": identity.boot(), "phase": records.Phase.RUNNING, "cgroup": "pods/u/c1"}
    init = identified(process) if process else None
    return record(**{**told, "id": "c1", "init": init, **more})


# conmon


def test_conmon_waits_until_it_is_settled_and_says_who_was_created(
    host: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    host.answer(f"""echo '{{"data": {sleeper.pid}}}'""")
    settled: list[int] = []

    def settle(pid: int) -> None:
        assert identity.of(pid)
        settled.append(pid)

    supervisor, init = conmon.create(host.order(), settle)
    assert init == identified(sleeper)
    assert supervisor is None, "no process names the bundle"
    assert len(settled) == 1
    arguments = (host.programs / "arguments").read_text()
    assert f"--root --runtime-arg {host.layout.runtime}" in arguments
    assert f"k8s-file:{host.layout.logs}/c1.log" in arguments


REFUSALS = {
    "runc's words are told": (
        """echo '{"data": -1, "message": "level=error msg=\\\\"no way\\\\""}'""",
        "no way",
    ),
    "no words are told as none": ("""echo '{"data": -1}'""", "was not created"),
    "an end without an answer is one": ("exit 0", "before it had created"),
    "half an answer is none": ("printf '{'", "before it had created"),
    "a process that is gone is none": ("""echo '{"data": 4194300}'""", "ended before it was"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_conmon_answers(host: Host, case: str) -> None:
    script, words = REFUSALS[case]
    host.answer(script)
    with pytest.raises(runc.RuncError, match=words):
        conmon.create(host.order(), lambda _: None)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(runc.RuncError, match=r"runcible is not installed .*apt-get"):
        runc.program("runcible")


def test_conmon_is_found_by_its_file_if_it_is_really_that_process(host: Host) -> None:
    bundle = host.order().bundle
    assert conmon.supervisor_of(bundle) is None
    (bundle / "conmon.pid").write_text(str(os.getpid()))
    assert conmon.supervisor_of(bundle) is None
    with started("echo; read x", str(bundle)) as one:
        (bundle / "conmon.pid").write_text(str(one.pid))
        assert conmon.supervisor_of(bundle) == identified(one)
    (bundle / "conmon.pid").write_text("no number")
    assert conmon.supervisor_of(bundle) is None


def test_conmon_is_told_to_begin_a_new_log(host: Host) -> None:
    bundle = host.order().bundle
    os.mkfifo(bundle / "ctl")
    assert not conmon.reopen_log(bundle), "nobody reads it"
    reader = os.open(bundle / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    assert conmon.reopen_log(bundle)
    assert os.read(reader, 99) == b"2 0 0\n"
    os.close(reader)


# runc


async def test_runc_is_called_with_a_state_folder_of_the_nodes_own(host: Host) -> None:
    await host.held.runc.start("c1")
    assert host.calls == [f"--root {host.layout.runtime} start c1"]
    host.reply("echo 'level=error msg=\"cannot start\"'; exit 1")
    with pytest.raises(runc.RuncError, match="cannot start"):
        await host.held.runc.start("c1")


async def test_what_runc_does_not_know_is_deleted_already(host: Host) -> None:
    await host.held.runc.delete("c1")
    assert host.calls == []
    (host.layout.runtime / "c1").mkdir()
    host.reply("echo bad; exit 1")
    await host.held.runc.delete("c1")
    assert not (host.layout.runtime / "c1").exists()
    (host.layout.runtime / "c1").mkdir()
    (host.layout.runtime / "c1/state.json").touch()
    with pytest.raises(runc.RuncError, match="bad"):
        await host.held.runc.delete("c1")


async def test_a_program_that_takes_too_long_is_killed(host: Host) -> None:
    done = await processes.run(Space(), ("/bin/sleep", "600"), {}, 0.05)  # type: ignore[arg-type]
    assert done.code == processes.TIMED_OUT
    task = asyncio.create_task(
        processes.run(Space(), ("/bin/sleep", "600"), {}, 600)  # type: ignore[arg-type]
    )
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_version_of_runc_is_asked_of_runc(host: Host) -> None:
    host.reply('[ "$1" = --version ] && printf "runc version 1.2.3\\nspec: 1.0\\n"')
    assert await registration.runtime(str(host.programs)) == "1.2.3"


# Containers


async def test_a_command_in_a_container_is_run_by_runc(
    host: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    host.layout.container("c1").mkdir()
    host.reply("echo hello")
    done = await host.held.execute(running(), ["say", "hello"], 5)
    assert (done.code, done.output) == (0, "hello\n")
    assert host.calls[0].endswith("c1 say hello")
    assert not list(host.layout.container("c1").iterdir())


async def test_a_command_that_takes_too_long_is_ended_in_its_container(
    host: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    host.layout.container("c1").mkdir()
    host.groups.make("pods/u/c1")
    (group,) = host.groups.folders("pods/u/c1")
    (group / "cgroup.procs").write_text(f"{sleeper.pid}\n")
    # As runc, it stays until its program has ended, and no longer.
    stays = f"while kill -0 {sleeper.pid}; do sleep 0.1; done"
    host.reply(f'while [ "$1" != --pid-file ]; do shift; done; echo {sleeper.pid} >$2; {stays}')
    done = await host.held.execute(running(), ["wait"], 0.5)
    assert done.code == processes.TIMED_OUT
    assert await asyncio.to_thread(sleeper.wait, 5) == -signal.SIGKILL


async def test_how_a_container_ended_is_what_conmon_wrote(host: Host) -> None:
    for code, reason in ((0, "Completed"), (3, "Error")):
        records.save(host.layout, running())
        (host.layout.exits / "c1").write_text(str(code))
        ended = await host.held.finish(running())
        assert (ended.exit_code, ended.reason) == (code, reason)
        assert ended.finished
    kept = [file.name for file in host.layout.container("c1").iterdir()]
    assert kept == ["record.json"]
    await host.held.forget(ended)
    assert not host.layout.container("c1").exists()
    assert not (host.layout.exits / "c1").exists()


async def test_without_conmon_a_container_is_ended(
    host: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    told = running(sleeper)
    records.save(host.layout, told)
    ended = await host.held.finish(told)
    assert (ended.exit_code, ended.reason) == (137, containers.UNKNOWN)
    assert await asyncio.to_thread(sleeper.wait, 5) == -signal.SIGTERM


async def test_who_does_not_end_is_killed(host: Host) -> None:
    with started("trap '' TERM; echo; while :; do sleep 0.1; done") as process:
        await host.held.stop(running(process), 0.1)
        assert await asyncio.to_thread(process.wait, 5) == -signal.SIGKILL
    with started("echo; exec sleep 600") as process:
        await host.held.stop(running(process), 0)
        assert await asyncio.to_thread(process.wait, 5) == -signal.SIGKILL


async def test_a_new_supervisor_finds_what_is_there(
    host: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    every = {
        "ended": running(id="ended", phase=records.Phase.EXITED),
        "earlier": running(id="earlier", boot="another"),
        "runs": running(sleeper, id="runs"),
        "began": running(sleeper, id="began", phase=records.Phase.CREATED),
        "half": running(id="half", phase=records.Phase.CREATING),
    }
    for told in every.values():
        records.save(host.layout, told)
    (host.layout.runtime / "began").mkdir()
    (host.layout.runtime / "began/state.json").touch()
    (host.layout.container("half") / "folder").mkdir()
    found = {one.id: one for one in await host.held.adopt()}
    assert set(found) == {"ended", "earlier", "runs", "began"}
    assert found["ended"] == every["ended"]
    assert found["runs"] == every["runs"]
    assert found["began"].phase is records.Phase.RUNNING
    assert (found["earlier"].exit_code, found["earlier"].message) == (
        255,
        "the machine was restarted",
    )
    assert not host.layout.container("half").exists()


async def test_what_never_began_is_undone_with_its_processes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_LAST_WORDS", 0.1)
    name = records.new_id()
    told = running(id=name, phase=records.Phase.CREATING)
    records.save(host.layout, told)
    with started("echo; read x; exit 1", name):
        task = asyncio.create_task(host.held.adopt())
        assert await task == []


async def test_what_could_not_be_started_is_undone_before_another_comes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_AGAIN", 0.01)
    delete, fails = runc.Runc.delete, [errors.Transient("runc delete: no answer")]

    async def sometimes(self: runc.Runc, identifier: str) -> None:
        if fails:
            raise fails.pop()
        await delete(self, identifier)

    monkeypatch.setattr(runc.Runc, "delete", sometimes)
    told = record(id=records.new_id(), boot=identity.boot(), phase=records.Phase.CREATING)
    ended = await host.held.run(containers.Plan(told, {}, [], writable=True))
    assert ended.has_ended
    assert not fails


async def test_a_container_whose_root_cannot_be_made_never_ran(host: Host, tmp_path: Path) -> None:
    layer = tmp_path / "no" / "layer"
    long = [layer / ("x" * 200) for _ in range(40)]
    told = record(id=records.new_id(), boot=identity.boot(), phase=records.Phase.CREATING)
    plan = containers.Plan(told, {}, long, writable=True)
    ended = await host.held.run(plan)
    assert ended.has_ended
    assert (ended.exit_code, ended.reason) == (128, containers.CANNOT_RUN)
    assert "40 layers" in ended.message
