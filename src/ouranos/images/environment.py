"""How does a release's Python environment come to be? Locked wheels, put where the image has them.

It is the host's uv that installs, for the Python of the image, into the layer's tree: nothing of
the image runs, and nothing waits for the image's Python, until bytecode is compiled.
"""

import asyncio
import fnmatch
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import uv

from ouranos import releases
from ouranos.images import processes, tree
from ouranos.images.processes import Job, Patience
from ouranos.kit import conditions, errors

ROOT: Final = "opt/openstack"
"""Where the environment is in an image, below the root."""

_COMPILER: Final = Path(__file__).with_name("compiler.py")

_DEBIAN: Final = "/usr/lib/python3/dist-packages\n"
"""Debian's own modules (libvirt, ovs), found after the locked ones."""


def packages_path(release: releases.Release) -> str:
    """Return where the environment's modules are, below the root."""
    return f"{ROOT}/lib/python{release.facts.python}/site-packages"


def count(release: releases.Release) -> int:
    """Return how many packages are locked."""
    return sum(line[:1].isalnum() for line in release.lock.splitlines())


async def install(release: releases.Release, root: Path, cache: Path, patience: Patience) -> None:
    """Install the locked packages into a layer's tree.

    Raises:
        Transient: The registry does not answer, or has other files than the lock names.
    """
    modules = tree.directory(root, packages_path(release))
    await processes.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--no-progress", "--no-deps"),
            *("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode"),
            *("--python", sys.executable, "--python-version", release.facts.python),
            *("--python-platform", f"x86_64-{release.facts.manylinux}"),
            *("--target", modules, "--requirements", "-"),
        ],
        Job(f"fetching {count(release)} Python packages from the package index", patience),
        env={
            "UV_CACHE_DIR": str(cache),
            "UV_HTTP_TIMEOUT": f"{patience.stall / 2:.0f}",
            "UV_HTTP_RETRIES": "1",
            "UV_NO_PROGRESS": "1",
        },
        stdin=release.lock.encode(),
    )
    await asyncio.to_thread(_arrange, release, root, modules)


def _arrange(release: releases.Release, root: Path, modules: Path) -> None:
    """Give what uv has put into one folder the places of a virtual environment."""
    home = root / ROOT
    for pattern in release.facts.packages.leave_out:
        for path in sorted(modules.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
    (modules / ".lock").unlink(missing_ok=True)
    for name in ("bin", "etc"):
        (modules / name).replace(home / name)
    shutil.rmtree(modules / "share", ignore_errors=True)
    for script in (home / "bin").iterdir():
        _address(script)
    (home / "bin/python3").symlink_to("/usr/bin/python3")
    (home / "bin/python").symlink_to("python3")
    tree.text(
        home,
        "pyvenv.cfg",
        f"home = /usr/bin\ninclude-system-site-packages = false\n"
        f"version = {release.facts.python}\n",
    )
    tree.text(modules, "debian.pth", _DEBIAN)
    tree.settle(root, files=True)


def _address(script: Path) -> None:
    """Have a script run by the environment's Python, whatever uv wrote into its first line."""
    first, _, rest = script.read_bytes().partition(b"\n")
    if first.startswith(b"#!") and b"python" in first:
        # Not in place: the file is the one in uv's cache.
        script.unlink()
        script.write_bytes(f"#!/{ROOT}/bin/python3\n".encode() + rest)
        script.chmod(0o755)


def runtime_source() -> Path:
    """Return the folder of the modules that run inside service images.

    Raises:
        Terminal: The installation lacks them.
    """
    found = importlib.util.find_spec("ouranos_runtime")
    if found is not None and found.submodule_search_locations:
        return Path(found.submodule_search_locations[0])
    checkout = Path(__file__).parents[3] / "runtime/src/ouranos_runtime"
    if not checkout.is_dir():
        raise errors.Terminal(
            conditions.Reason.UNRECOVERABLE, "the package ouranos-runtime is not installed"
        )
    return checkout


def runtime_files(source: Path) -> list[Path]:
    """Return the source files of the runtime, relative to its folder, sorted."""
    return sorted(
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


def install_runtime(release: releases.Release, root: Path, source: Path) -> None:
    """Put the runtime's modules into a layer's tree."""
    for path in runtime_files(source):
        place = f"{packages_path(release)}/ouranos_runtime/{path}"
        tree.text(root, place, (source / path).read_text("utf-8"))
    tree.settle(root, files=True)


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
