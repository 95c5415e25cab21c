"""The parts that talk to the machine, without containers."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from node_builders import record

from ouranos.engine.node import (
    cgroups,
    config,
    conmon,
    facts,
    identity,
    linux,
    logs,
    probes,
    records,
    runc,
    volumes,
)
from ouranos.kit import conditions

LOG = """\
2026-11-21T12:00:00.000000001+00:00 stdout F one
2026-11-21T12:00:01.000000001+00:00 stderr P tw
2026-11-21T12:00:01.100000001+00:00 stderr F o
2026-11-21T12:00:02.000000001+00:00 stdout F three
"""


class Wanted:
    def __init__(self, **more: Any) -> None:
        self.follow = more.get("follow", False)
        self.tail_lines = more.get("tail")
        self.since = more.get("since")
        self.timestamps = more.get("timestamps", False)


async def read(path: Path, **more: Any) -> str:
    chunks = logs.stream(path, Wanted(**more), more.get("goes_on", lambda: False))
    return b"".join([chunk async for chunk in chunks]).decode()


async def test_a_log_is_read_without_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(LOG)
    assert await read(path) == "one\ntwo\nthree\n"
    assert await read(path, tail=1) == "three\n"
    assert await read(path, tail=0) == ""
    assert await read(path, tail=99) == "one\ntwo\nthree\n"
    since = datetime(2026, 11, 21, 12, 0, 1, 500000, tzinfo=UTC)
    assert await read(path, since=since) == "three\n"
    assert (await read(path, timestamps=True)).startswith("2026-11-21T12:00:00.000000001+00:00 one")
    assert logs.tail(path, 2, 100) == "o\nthree\n"
    assert logs.tail(tmp_path / "none", 2, 100) == ""


async def test_a_log_is_followed_over_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(LOG)
    looks = [True, True]

    def goes_on() -> bool:
        """Tell of a container that ends just after its log was put aside."""
        if looks:
            return looks.pop()
        if not (aside := tmp_path / "0.log.1").exists():
            path.rename(aside)
            path.write_text("2026-11-21T12:00:03.0Z stdout F four\n")
        return False

    text = await read(path, follow=True, goes_on=goes_on)
    assert text == "one\ntwo\nthree\nfour\n"


def test_an_identity_is_more_than_a_pid() -> None:
    own = identity.of(os.getpid())
    assert own is not None
    assert identity.is_alive(own)
    assert not identity.is_alive(identity.Identity(own.pid, own.started + 1))
    assert identity.of(2**22 + 1) is None
    assert not identity.send(identity.Identity(own.pid, 0), identity.signal.SIGKILL)


async def test_the_end_of_a_process_is_awaited() -> None:
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:  # noqa: ASYNC220
        found = identity.of(process.pid)
        assert not await identity.ended_within(found, 0.05)
        assert process.stdin
        process.stdin.close()
        assert await identity.ended_within(found, 30)


def test_processes_are_found_by_a_whole_argument() -> None:
    mark = records.new_id()
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()  # its arguments are there once it runs
        assert [one.pid for one in identity.naming(mark)] == [process.pid]
        assert not identity.naming(mark[:-1])
        process.kill()


def test_a_record_survives(tmp_path: Path) -> None:
    layout = config.Layout(tmp_path / "node")
    layout.make()
    told = record(conmon=identity.Identity(7, 8), phase=records.Phase.RUNNING)
    records.save(layout, told)
    (layout.containers / "half").mkdir()
    assert records.load(layout) == [told]
    assert not (layout.containers / "half").exists()
    assert layout.directory.stat().st_mode & 0o777 == 0o700


def test_paths_stay_in_their_root(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "up").symlink_to("../../..")
    with pytest.raises(linux.KernelError, match="ENOENT"):
        linux.open_in_root(tmp_path, "/out/passwd")
    volumes.make_folder(tmp_path, "/up/a/b")
    assert (tmp_path / "a/b").is_dir()


def test_kernel_errors_say_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(linux.KernelError, match=r"Opening x below .*: No such file.*\(ENOENT\)"):
        linux.open_in_root(tmp_path, "x")


def unified(folder: Path) -> cgroups.Cgroups:
    tree = cgroups.Hierarchy(folder, frozenset(), unified=True)
    return cgroups.Cgroups("ouranos/b/n", (tree,))


def test_cgroups_of_version_two(tmp_path: Path) -> None:
    for place in ("", "ouranos", "ouranos/b", "ouranos/b/n"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "cgroup.controllers").write_text("cpu memory pids\n")
        (tmp_path / place / "cgroup.subtree_control").write_text("memory\n")
    groups = unified(tmp_path)
    groups.make("guests")
    assert groups.is_unified
    folder = tmp_path / "ouranos/b/n/guests"
    assert groups.folders("guests") == [folder]
    assert "+" in (tmp_path / "cgroup.subtree_control").read_text()
    (folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (folder / "memory.current").write_text("4096\n")
    (folder / "memory.events").write_text("oom 1\noom_kill 1\n")
    (folder / "cgroup.procs").write_text("")
    assert groups.usage("guests") == cgroups.Usage(2.5, 4096)
    assert groups.was_out_of_memory("guests")
    assert groups.processes("guests") == set()


HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
"""
UNIFIED = """\
31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
99 23 0:28 / /run/other/cgroup rw,nosuid - cgroup2 none rw
"""


def test_trees_of_cgroups_are_found_where_they_are_mounted() -> None:
    found = cgroups.mounted(HYBRID)
    assert [one.path.name for one in found] == ["cpu", "systemd", "unified"]
    assert found[0].controllers == {"cpu", "cpuacct"}
    assert not cgroups.Cgroups("x", found).is_unified


def test_a_tree_that_is_mounted_twice_is_one() -> None:
    (found,) = cgroups.mounted(UNIFIED)
    assert str(found.path) == "/sys/fs/cgroup"
    assert cgroups.Cgroups("x", (found,)).is_unified


def test_runcs_own_words_are_found_in_what_it_says() -> None:
    said = (
        'time="2026-11-21T11:21:08Z" level=error msg="runc create failed: unable to start '
        'container process: exec: \\"x\\": executable file not found in $PATH"'
    )
    assert runc.reason(said) == 'exec: "x": executable file not found in $PATH'
    assert runc.reason("") == "runc gave no reason"
    assert runc.reason("a\nb\n") == "b"


def test_an_exit_code_is_read_once_it_is_there(tmp_path: Path) -> None:
    assert conmon.exit_code(tmp_path, "c") is None
    (tmp_path / "c").write_text("137")
    assert conmon.exit_code(tmp_path, "c") == 137
    assert not conmon.reopen_log(tmp_path)


def test_the_nodes_conditions_say_what_is_short(tmp_path: Path) -> None:
    told = config.NodeConfig("n", tmp_path, "b", *addresses())
    now = datetime(2026, 11, 21, tzinfo=UTC)
    machine = facts.Machine(2, 8 << 30, 4 << 30, 100 << 30, 1 << 20, 10_000)
    found = facts.status({}, told, machine, now, "")
    states = {one["type"]: one["status"] for one in found["conditions"]}
    assert states == {
        "MemoryPressure": "False",
        "DiskPressure": "True",
        "PIDPressure": "False",
        "Ready": "True",
    }
    disk = conditions.find(found["conditions"], "DiskPressure")
    assert disk is not None
    assert "1 MiB left" in disk["message"]
    assert facts.status({}, told, facts.Machine.look(tmp_path), now, "no")["capacity"]["pods"]


def addresses() -> tuple[Any, Any, Any]:
    from ipaddress import IPv4Address, IPv4Network  # noqa: PLC0415

    return IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.2"), IPv4Address("10.0.0.1")


async def test_a_probe_by_command_says_how_it_failed() -> None:
    async def execute(command: list[str], seconds: float) -> tuple[int, str]:
        return (0, "") if command == ["true"] else (3, "because\n")

    async def connect(host: str, port: int) -> Any:
        raise OSError("refused")

    target = probes.Target("10.0.0.2", {"http": 80}, connect, execute)
    assert (await probes.check({"exec": {"command": ["true"]}}, target)).passed
    found = await probes.check({"exec": {"command": ["false"]}}, target)
    assert found == probes.Result(passed=False, text="because")
    inner = {"tcpSocket": {"host": "127.0.0.1", "port": "http"}}
    assert (await probes.check(inner, target)).text == "refused"
    assert target.port("http") == 80
    assert target.port(8080) == 8080
