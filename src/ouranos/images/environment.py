"""How does an image's Python environment come to be? Locked wheels, put where the image has them.

It is the host's uv that installs, for the Python of the image, into the layer's tree: nothing of
the image runs, and nothing waits for the image's Python, until bytecode is compiled.
"""

import asyncio
import base64
import fnmatch
import hashlib
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uv

from ouranos import releases
from ouranos.images import processes, tree
from ouranos.images.processes import Job, Patience

_OWN_LOCK: Final = Path(__file__).with_name("controllers.lock")

_COMPILER: Final = Path(__file__).with_name("compiler.py")

_HEADER: Final = re.compile(rb"\A#!(/bin/sh\n'''exec' .*\n' '''|.*python.*)\n")
"""What uv writes above a script: its Python, by way of a shell where the path is long or odd."""

_DEBIAN: Final = "/usr/lib/python3/dist-packages\n"
"""Debian's own modules (libvirt, ovs), found after the locked ones."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked set of Python packages, and where it is in an image."""

    home: str
    """The virtual environment, below the root."""
    lock: str
    """Requirements with hashes, one for each package."""
    facts: releases.Facts
    """Which Python and which C library it is for."""
    leave_out: tuple[str, ...] = ()
    """Patterns of paths below its modules that are not in the image."""
    uncompiled: tuple[str, ...] = ()
    """Patterns of paths below its modules whose bytecode is not compiled beforehand."""

    @property
    def modules(self) -> str:
        """Where its modules are, below the root."""
        return f"{self.home}/lib/python{self.facts.python}/site-packages"

    @property
    def count(self) -> int:
        """How many packages are locked."""
        return sum(line[:1].isalnum() for line in self.lock.splitlines())


def find(name: str, release: releases.Release) -> Locked:
    """Return the packages that a layer means: `openstack`, or `ouranos` for its controllers."""
    facts = release.facts
    if name == "openstack":
        choice = facts.packages
        return Locked("opt/openstack", release.lock, facts, choice.leave_out, choice.uncompiled)
    return Locked("opt/ouranos", _OWN_LOCK.read_text("utf-8"), facts)


async def install(locked: Locked, root: Path, cache: Path, patience: Patience) -> None:
    """Install the locked packages into a layer's tree.

    Raises:
        Transient: The registry does not answer, or has other files than the lock names.
    """
    modules = tree.directory(root, locked.modules)
    await processes.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--no-progress", "--no-deps"),
            *("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode"),
            *("--python", sys.executable, "--python-version", locked.facts.python),
            *("--python-platform", f"x86_64-{locked.facts.manylinux}"),
            *("--target", modules, "--requirements", "-"),
        ],
        Job(f"fetching {locked.count} Python packages from the package index", patience),
        env={
            "UV_CACHE_DIR": str(cache),
            "UV_HTTP_TIMEOUT": f"{patience.stall / 2:.0f}",
            "UV_HTTP_RETRIES": "1",
            "UV_NO_PROGRESS": "1",
        },
        stdin=locked.lock.encode(),
    )
    await asyncio.to_thread(_arrange, locked, root, modules)


def _arrange(locked: Locked, root: Path, modules: Path) -> None:
    """Give what uv has put into one folder the places of a virtual environment."""
    home = root / locked.home
    for pattern in locked.leave_out:
        for path in sorted(modules.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
    (modules / ".lock").unlink(missing_ok=True)
    for name in ("bin", "etc"):
        if (modules / name).is_dir():
            (modules / name).replace(home / name)
    shutil.rmtree(modules / "share", ignore_errors=True)
    scripts = tree.directory(home, "bin")
    _address(scripts, modules, f"#!/{locked.home}/bin/python3\n".encode())
    (scripts / "python3").symlink_to("/usr/bin/python3")
    (scripts / "python").symlink_to("python3")
    tree.text(
        home,
        "pyvenv.cfg",
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {locked.facts.python}\n",
    )
    tree.text(modules, "debian.pth", _DEBIAN)
    tree.settle(root, files=True)


def _address(scripts: Path, modules: Path, header: bytes) -> None:
    """Have scripts run by the environment's Python, and their packages' records say so."""
    addressed: dict[str, str] = {}
    for script in sorted(scripts.iterdir()):
        content, found = _HEADER.subn(header, script.read_bytes())
        if found:
            # Not in place: the file is the one in uv's cache.
            tree.file(scripts, script.name, content, 0o755)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            name = f"bin/{script.name}"
            addressed[name] = f"{name},sha256={digest.rstrip('=')},{len(content)}"
    for record in modules.glob("*.dist-info/RECORD"):
        lines = record.read_text("utf-8").split("\n")
        told = [addressed.get(line.partition(",")[0], line) for line in lines]
        tree.file(record.parent, record.name, "\n".join(told).encode())


def sources(root: Path, folders: Iterable[str], skipped: Sequence[str]) -> Iterator[str]:
    """Yield the Python files below folders of a tree, sorted, relative to the root.

    Args:
        root: The layer's tree.
        folders: Below it.
        skipped: Patterns of paths, relative to their folder, that are left out; one that begins
            with an exclamation mark takes files back that those before it leave out.
    """
    choice = [(pattern.removeprefix("!"), pattern.startswith("!")) for pattern in skipped]
    patterns = [(re.compile(fnmatch.translate(text)), back) for text, back in choice]
    for folder in folders:
        top = root / folder.lstrip("/")
        for path in sorted(top.rglob("*.py")):
            relative = str(path.relative_to(top))
            said = [back for pattern, back in patterns if pattern.match(relative)]
            if not path.is_symlink() and (not said or said[-1]):
                yield str(path.relative_to(root))


async def compile_sources(
    root: Path, files: Sequence[str], below: Sequence[Path], patience: Patience
) -> None:
    """Compile modules of a tree by the image's own Python, which need not run in the image.

    Args:
        root: The layer's tree.
        files: Relative to it.
        below: The trees of the image that hold its Python and the C library, highest last.
        patience: When to give up.
    """
    linker = next(t / "usr/lib64/ld-linux-x86-64.so.2" for t in below if (t / "usr/lib64").is_dir())
    python = next(t for t in reversed(below) if (t / "usr/bin/python3").is_symlink())
    libraries = ":".join(str(t / "usr/lib/x86_64-linux-gnu") for t in below)
    await processes.run(
        [
            *(linker, "--library-path", libraries, python / "usr/bin/python3"),
            *("-S", "-s", "-B", _COMPILER, root),
        ],
        Job(f"compiling {len(files)} Python modules", patience),
        env={"PYTHONHOME": str(python / "usr"), "PYTHONWARNINGS": "ignore"},
        stdin="\n".join(files).encode(),
    )
