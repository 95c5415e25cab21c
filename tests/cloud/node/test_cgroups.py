"""Do cgroups of version 2 work, on a machine that may have version 1 as well?

The tree of version 2 is mounted in a mount namespace of a thread's own; a machine that uses
version 1 has it too, with those controllers that version 1 does not hold.
"""

import json
import signal
import subprocess
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import tests_cloud
import tests_node

from ouranos.compute import texts
from ouranos.engine.node import cgroups, facts, linux, runc, security, spec

Result = TypeVar("Result")
PARENT = "ouranos/test-of-version-2/node"


def with_version_2(act: Callable[[], Result]) -> Result:
    """Do something where version 2 is all there is."""

    def work() -> Result:
        linux.unshare(linux.CLONE_FS | linux.NEW_MOUNTS)
        linux.mount("", "/", flags=linux.RECURSIVE | linux.PRIVATE)
        linux.mount("none", "/sys/fs/cgroup", "cgroup2")
        return act()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def tree() -> cgroups.Cgroups:
    found = cgroups.Hierarchy(Path("/sys/fs/cgroup"), frozenset(), unified=True)
    return cgroups.Cgroups(PARENT, (found,))


@contextmanager
def running(script: str) -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sh", "-c", script]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_cgroup_of_version_2_counts_and_ends_its_processes() -> None:
    def story() -> None:
        groups = tree()
        with running("while :; do :; done") as process:
            groups.make("pods/one/main")
            groups.add("pods/one/main", process.pid)
            assert groups.processes("pods") == {process.pid}
            tests_cloud.eventually(lambda: groups.usage("pods/one").cpu_seconds, 20, "its work")
            assert not groups.was_out_of_memory("pods/one/main")
            groups.remove("pods/one")
            assert process.wait(20) == -signal.SIGKILL
        assert groups.folders("pods/one") == []
        assert groups.folders("pods") != []
        groups.remove_parent()
        assert groups.folders("") == []

    with_version_2(story)


def test_controllers_are_handed_down_to_where_processes_are() -> None:
    def story() -> None:
        groups = tree()
        (root,) = {one.path for one in groups.trees}
        wanted = set((root / "cgroup.controllers").read_text().split())
        known = {"cpu", "memory", "pids", "cpuset", "io"}
        groups.make("pods/one/main")
        try:
            (leaf,) = groups.folders("pods/one/main")
            assert wanted & known <= set((leaf / "cgroup.controllers").read_text().split())
            assert (leaf / "cgroup.subtree_control").read_text().split() == []
        finally:
            groups.remove_parent()

    with_version_2(story)


def test_libvirts_hook_moves_a_guest_to_the_guests(tmp_path: Path) -> None:
    """Each folder of version 2 looks like a tree; the guest is to be in one place."""
    hook = tmp_path / "hook.sh"
    text = texts.of("libvirt")["hook.sh"]
    hook.write_text(text.replace("/run/libvirt/qemu", str(tmp_path)))

    def story() -> None:
        groups = tree()
        for name in ("conmon", "pods/libvirt", "world", "guests"):
            groups.make(name)
        (own,) = groups.folders("")
        linux.mount(str(own), "/sys/fs/cgroup", flags=linux.BIND)
        with running("exec sleep 600") as guest:
            (tmp_path / "one.pid").write_text(f"{guest.pid}\n")
            done = subprocess.run(
                ["sh", hook, "one", "started"], capture_output=True, text=True, check=True
            )
            assert done.stderr == ""
            place = Path(f"/proc/{guest.pid}/cgroup").read_text()
            linux.unmount("/sys/fs/cgroup")
            assert groups.processes("guests") == {guest.pid}, place
            assert not groups.folders("world/guests")
            groups.remove("")
            assert guest.wait(20) == -signal.SIGKILL
        groups.remove_parent()

    with_version_2(story)


def test_runc_puts_a_container_where_the_node_says(
    images: tests_node.Images, tmp_path: Path
) -> None:
    """With the limits of a pod, where version 2 has the controllers for them."""

    def story() -> str:
        groups = tree()
        groups.make("conmon")
        told = spec.Facts(
            root=str(images.root),
            host_name="of-version-2",
            cgroup=groups.path("pods/one/main"),
            namespaces={"pid": "", "network": "", "ipc": "", "uts": ""},
            rights=security.Rights(
                user=security.User(0, 0, (), "/"),
                capabilities=(),
                lacking=(),
                new_privileges=False,
                privileged=False,
                read_only=True,
                scratch=False,
                seccomp=None,
            ),
            environment={"PATH": "/usr/bin:/bin"},
            open_files=1024,
            oom_score=facts.oom_floor(),
        )
        made = spec.build(["/bin/sh", "-c", "cat /proc/self/cgroup"], "/", told)
        if {"cpu", "pids"} <= set(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()):
            made["linux"]["resources"] |= spec.resources({})
        (tmp_path / "config.json").write_text(json.dumps(made))
        words = [runc.program("runc"), "--root", tmp_path / "state", "run", "-b", tmp_path, "v2"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout
        finally:
            groups.remove_parent()

    assert f"0::/{PARENT}/pods/one/main\n" in with_version_2(story)
