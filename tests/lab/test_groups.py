"""Are the machine's cgroup hierarchies found, whatever its age?"""

import errno
import os
from pathlib import Path

import pytest

from ouranos.lab import groups

OLD = """\
25 20 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
27 25 0:24 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
28 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
29 25 0:25 /part /elsewhere rw - cgroup cgroup rw,cpu,cpuacct
30 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
"""
NEW = "31 20 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.fixture
def hierarchy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(groups, "hierarchies", lambda: [tmp_path])
    return tmp_path


def test_many_hierarchies_of_an_old_machine() -> None:
    names = ("unified", "systemd", "cpu,cpuacct")
    assert groups.hierarchies(OLD) == [Path("/sys/fs/cgroup") / name for name in names]


def test_the_one_hierarchy_of_a_new_machine() -> None:
    assert groups.hierarchies(NEW) == [Path("/sys/fs/cgroup")]


def test_a_machine_without_cgroups_has_none() -> None:
    assert groups.hierarchies("") == []


def test_nobody_is_in_a_group_that_does_not_exist() -> None:
    assert groups.processes("ouranos-k8s-that-never-was") == set()


def test_a_group_that_goes_while_it_is_read_has_nobody(
    hierarchy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> str:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), str(path))

    (hierarchy / "lab").mkdir()
    monkeypatch.setattr(Path, "read_text", gone)
    assert groups.processes("lab") == set()


def test_whoever_was_born_in_a_group_itself_is_moved_to_its_leaf(hierarchy: Path) -> None:
    (hierarchy / "lab" / "node1").mkdir(parents=True)
    (hierarchy / "lab" / "node1" / "cgroup.procs").write_text("12\n")
    groups.settle("lab/node1")
    assert (hierarchy / "lab" / "node1" / groups.LEAF / "cgroup.procs").read_text() == "12"


async def test_a_group_that_does_not_exist_is_ended_and_removed() -> None:
    assert await groups.end("ouranos-k8s-that-never-was")
    assert await groups.remove("ouranos-k8s-that-never-was") == []
