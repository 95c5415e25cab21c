"""Where does libvirt's hook put a guest? The script itself, on folders that look like cgroups."""

import subprocess
from pathlib import Path

from ouranos.compute import texts


def run_hook(folder: Path, event: str = "started") -> str:
    hook = folder / "hook.sh"
    text = texts.of("libvirt")["hook.sh"]
    text = text.replace("/sys/fs/cgroup", str(folder / "groups"))
    hook.write_text(text.replace("/run/libvirt/qemu", str(folder)))
    (folder / "one.pid").write_text("4321\n")
    done = subprocess.run(["sh", hook, "one", event], capture_output=True, text=True, check=True)
    return done.stderr


def places(folder: Path) -> list[str]:
    groups = folder / "groups"
    return sorted(
        str(file.parent.relative_to(groups))
        for file in groups.rglob("cgroup.procs")
        if file.read_text() == "4321\n"
    )


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / "groups" / name).mkdir(parents=True, exist_ok=True)
        (folder / "groups" / name / "cgroup.procs").write_text("")


def test_in_version_1_a_guest_is_moved_in_each_tree(tmp_path: Path) -> None:
    make(tmp_path, "cpu", "cpuset", "memory", "memory/guests")
    for file in ("cpuset.cpus", "cpuset.mems"):
        (tmp_path / "groups/cpuset" / file).write_text("0-1\n")
    (tmp_path / "groups/cpuset/guests").mkdir()
    for file in ("cpuset.cpus", "cpuset.mems"):
        (tmp_path / "groups/cpuset/guests" / file).write_text("")
    assert run_hook(tmp_path) == ""
    assert places(tmp_path) == ["cpu/guests", "cpuset/guests", "memory/guests"]
    assert (tmp_path / "groups/cpuset/guests/cpuset.mems").read_text() == "0-1\n"


def test_in_version_2_a_guest_is_moved_once(tmp_path: Path) -> None:
    make(tmp_path, "", "conmon", "guests", "pods", "world")
    assert run_hook(tmp_path, "reconnect") == ""
    assert places(tmp_path) == ["guests"]


def test_nothing_is_moved_at_other_turns(tmp_path: Path) -> None:
    make(tmp_path, "", "guests")
    assert run_hook(tmp_path, "stopped") == ""
    assert places(tmp_path) == []
