"""Where do Kubernetes' programs come from? Compiled once per version, kept outside the tree."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ouranos.lab import errors, programs

VERSION: Final = "v1.36.3"
SOURCES: Final = Path(__file__).parents[3] / "kubernetes"
_COMPILERS: Final = ("go", "/usr/local/go/bin/go")
_STAMPED: Final = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_READ: Final = {".go", ".mod", ".sum"}
_SECONDS: Final = 3600
_LEAST_FREE: Final = 6 * 1024**3
"""Bytes: what a compile from nothing leaves in Go's caches."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program to compile."""

    name: str
    folder: str
    package: str
    stamped: bool = False


PROGRAMS: Final = (
    Program("hyperkube", ".", "./hyperkube", stamped=True),
    Program("etcd", ".", "./etcd"),
    Program("pause", ".", "./pause"),
    Program("coredns", "coredns", "."),
)


def flags(program: Program) -> str:
    """Return what the linker is told: the version, where the program reports one."""
    parts = ["-s", "-w"]
    major, minor, _ = VERSION.removeprefix("v").split(".")
    told = {
        "gitVersion": VERSION,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "proxy",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    for package in _STAMPED if program.stamped else ():
        parts += [f"-X {package}.{name}={value}" for name, value in told.items()]
    return " ".join(parts)


def digest(sources: Path, compiler: str) -> str:
    """Return what names a build: the sources, how they are compiled, and by which compiler."""
    hashed = hashlib.sha256(compiler.encode())
    for program in PROGRAMS:
        hashed.update(repr((program, flags(program))).encode())
    for path in sorted(sources.rglob("*")):
        if path.suffix in _READ:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            hashed.update(f"{path.relative_to(sources)}\0{content}\0".encode())
    return hashed.hexdigest()[:16]


async def ensure(
    cache: Path, tell: Callable[[str], None], *, sources: Path = SOURCES, go: str | None = None
) -> Path:
    """Return the folder of the compiled programs; compile them where nobody has yet.

    Args:
        cache: what outlives every lab.
        tell: hears what takes long.
        sources: the Go modules.
        go: the compiler; by default the one in the path, else where go.dev puts it.

    Raises:
        LabError: there is no Go that is new enough, no space, or the compile failed.
    """
    if not sources.is_dir():  # noqa: ASYNC240 - a look
        raise errors.LabError(f"{sources} is missing", "run it from a checkout of Ouranos")
    compiler, known = await _compiler((go,) if go else _COMPILERS, sources)
    folder = cache / "kubernetes" / digest(sources, known)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                await _compile(compiler, sources, folder, tell)
    return folder


async def _compiler(names: Sequence[str], sources: Path) -> tuple[str, str]:
    """Return the first compiler that takes the sources, and what it is."""
    refused = "there is no Go compiler"
    for compiler in filter(None, map(shutil.which, names)):
        try:
            return compiler, await _asked(compiler, sources, "GOVERSION", "GOOS", "GOARCH")
        except errors.LabError as error:
            refused = error.message
    raise errors.LabError(refused, "install Go 1.26 or newer from https://go.dev/dl/")


async def _asked(compiler: str, sources: Path, *names: str) -> str:
    return await programs.run(compiler, "env", *names, env=programs.with_registries(), cwd=sources)


async def _compile(compiler: str, sources: Path, folder: Path, tell: Callable[[str], None]) -> None:
    for name in ("GOCACHE", "GOMODCACHE"):
        place = Path((await _asked(compiler, sources, name)).strip())
        there = next(one for one in (place, *place.parents) if one.exists())
        free = shutil.disk_usage(there).free
        if free < _LEAST_FREE:
            raise errors.LabError(
                f"{place} has {free >> 20} MiB free, "
                f"and compiling Kubernetes takes {_LEAST_FREE >> 20}",
                f"make room, or set {name} to a folder on a larger disk",
            )
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for program in PROGRAMS:
        tell(f"compiling {program.name}")
        await programs.run(
            *(compiler, "build", "-buildvcs=false", "-mod=readonly", "-trimpath"),
            *("-ldflags", flags(program), "-o", draft / program.name, program.package),
            env=programs.with_registries(),
            cwd=sources / program.folder,
            seconds=_SECONDS,
        )
    (draft / "kubectl").symlink_to("hyperkube")
    draft.rename(folder)


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold a lock that ends with its holder; a second compile waits for the first."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
