"""How is a node made, entered and taken from the current? A machine of namespaces, no more."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

from ouranos.engine.node import identity
from ouranos.lab import authority, errors, files, groups, network, processes, programs, texts
from ouranos.lab.processes import Component
from ouranos.lab.settings import Node, Settings

_SCRIPT: Final = Path(__file__).with_name("node.sh")
_SECONDS: Final = 60.0
_LOOK: Final = 0.02
_NEW: Final = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")


def group(settings: Settings, node: Node) -> str:
    """Return the cgroup that is the root of the node's own."""
    return f"{settings.name}/{node.name}"


def first(settings: Settings, node: Node) -> identity.Identity | None:
    """Return the node's first process; None when the node is off."""
    return processes.recorded(settings, node.name)


def is_on(settings: Settings, node: Node) -> bool:
    """Whether the node's first process lives and its root is built."""
    return first(settings, node) is not None and (node.run / "ready").exists()


async def ensure(settings: Settings, node: Node) -> bool:
    """Switch a node on that is off or half made; whether it was switched on now."""
    fresh = not is_on(settings, node)
    if fresh:
        await power_off(settings, node)
        await asyncio.to_thread(_prepare, settings, node)
        await _start(settings, node)
    found = first(settings, node)
    if found is None:
        raise errors.LabError(f"{node.name} ended as soon as it was started")
    groups.settle(group(settings, node))
    await network.connect(settings, node, found.pid)
    return fresh


def _prepare(settings: Settings, node: Node) -> None:
    """Make a node's disk ready for a start: what was in /run and /etc is gone, /var is kept."""
    for name in ("run", "etc", "etc-work", "root"):
        shutil.rmtree(node.folder / name, ignore_errors=True)
    for name in ("run", "etc", "etc-work", "root", "opt/bin", "var/lib", "var/log", "var/volumes"):
        (node.folder / name).mkdir(parents=True, exist_ok=True)
    (node.folder / "var" / "tmp").mkdir(mode=0o1777, exist_ok=True)
    (node.folder / "var" / "tmp").chmod(0o1777)
    link = node.folder / "var" / "run"
    if not link.is_symlink():
        link.symlink_to("/run")
    settings.volumes.mkdir(parents=True, exist_ok=True)
    resolver = Path("/etc/resolv.conf").read_text() if Path("/etc/resolv.conf").exists() else ""
    for name, text in texts.node(settings, node, resolver).items():
        path = node.folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, text, 0o644)
    for identity_ in authority.node(node):
        for kind in ("crt", "key", "kubeconfig"):
            found = settings.authority / f"{identity_.name}.{kind}"
            if found.exists():
                _copy(found, node)
    _copy(settings.authority / "ca.crt", node)


def _copy(path: Path, node: Node) -> None:
    files.write(node.folder / "etc" / "kubernetes" / path.name, path.read_bytes())


async def _start(settings: Settings, node: Node) -> None:
    joins = groups.ensure(group(settings, node))
    # The root of the node's cgroups is the group itself, so its first process must be born there.
    roots = [join.parent.parent / join.name for join in joins]
    given = {
        "NODE": node.name,
        "DISK": str(node.folder),
        "PROGRAMS": str(settings.bin.readlink()),
        "VOLUMES": str(settings.volumes),
    }
    argv = ("env", *(f"{key}={value}" for key, value in given.items()))
    argv = (*argv, "unshare", *_NEW, "--fork", "/bin/sh", str(_SCRIPT))
    started = await processes.spawn(settings, node.name, argv, roots)
    found = await processes.child(started)
    if found is not None:
        processes.record(settings, node.name, found)
        deadline = asyncio.get_running_loop().time() + _SECONDS
        while identity.is_alive(found) and not is_on(settings, node):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_LOOK)
    if not is_on(settings, node):
        raise errors.LabError(
            f"{node.name} could not be built", f"{settings.logs / node.name}.log says why"
        )


async def power_off(settings: Settings, node: Node) -> None:
    """Take a node from the current: all its processes and containers end at once, unasked.

    Raises:
        LabError: the kernel keeps some of them.
    """
    for component in components(settings, node, None):
        (settings.processes / component.name).unlink(missing_ok=True)
    if not await groups.end(group(settings, node)):
        raise errors.LabError(f"{node.name} still has processes that do not end")
    (settings.processes / node.name).unlink(missing_ok=True)
    if left := await groups.remove(group(settings, node)):
        raise errors.LabError(f"the cgroup {left[0]} cannot be removed")


def components(
    settings: Settings, node: Node, inside: identity.Identity | None
) -> tuple[Component, ...]:
    """Return what runs on a node: containerd, kubelet and kube-proxy."""
    place = group(settings, node)
    config = texts.FOLDER

    def one(name: str, *argv: str) -> Component:
        return Component(f"{node.name}-{name}", argv, place, inside)

    return (
        one("containerd", "containerd", "--config=/etc/containerd/config.toml"),
        one(
            "kubelet",
            *("/opt/bin/hyperkube", "kubelet"),
            f"--config={config}/kubelet.yaml",
            f"--kubeconfig={config}/{node.name}-kubelet.kubeconfig",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
            "--root-dir=/var/lib/kubelet",
            "--cert-dir=/var/lib/kubelet/pki",
        ),
        one(
            "kube-proxy",
            *("/opt/bin/hyperkube", "kube-proxy"),
            f"--config={config}/kube-proxy.yaml",
            f"--hostname-override={node.name}",
        ),
    )


async def run_inside(settings: Settings, node: Node, *argv: str) -> str:
    """Run a program on a node and return what it wrote.

    Raises:
        LabError: the node is off, or the program failed.
    """
    found = first(settings, node)
    if found is None:
        raise errors.LabError(f"{node.name} is off", "switch it on: python -m ouranos.lab up")
    enter = ("nsenter", "--all", "--target", str(found.pid), "--", *argv)
    return await programs.run(*enter)


async def answers(settings: Settings, node: Node) -> None:
    """Return when the node's containerd answers.

    Raises:
        LabError: it does not in time.
    """
    deadline = asyncio.get_running_loop().time() + _SECONDS
    while True:
        try:
            await programs.run("ctr", "--address", node.socket, "version", seconds=_SECONDS)
        except errors.LabError as error:
            if asyncio.get_running_loop().time() > deadline:
                log = settings.logs / f"{node.name}-containerd.log"
                raise errors.LabError(
                    f"{node.name}'s containerd does not answer", f"{log} says why"
                ) from error
        else:
            return
        await asyncio.sleep(_LOOK * 5)


async def load_pause(settings: Settings, node: Node) -> None:
    """Load the image of pods' first containers, once after each start of the node."""
    loaded = node.run / "pause-loaded"
    if not loaded.exists():
        await answers(settings, node)
        await load(node, settings.folder / "pause.tar")
        files.write(loaded, "")


async def load(node: Node, archive: Path) -> None:
    """Load an OCI archive into a node's containerd.

    Raises:
        LabError: containerd refuses it.
    """
    # The socket is reached through the node's disk, the archive is read here.
    await programs.run(
        *("ctr", "--address", node.socket, "--namespace", "k8s.io"),
        *("images", "import", archive),
        seconds=600,
    )
