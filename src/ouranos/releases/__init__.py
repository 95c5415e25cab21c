"""What is an OpenStack release? The locked Python packages and the facts of each, as data."""

import difflib
import importlib.resources
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

import msgspec

from ouranos.kit import conditions, errors


@dataclass(frozen=True, slots=True)
class HypervisorFacts:
    """The oldest hypervisor software that this release's Nova accepts, and the next one's will."""

    libvirt: str
    qemu: str
    next_libvirt: str
    next_qemu: str


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What of the Python packages an image leaves out."""

    leave_out: tuple[str, ...]
    """Patterns of paths below site-packages that no process reads."""
    uncompiled: tuple[str, ...]
    """Patterns of paths below site-packages whose bytecode is not compiled beforehand."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts file of a release, as it is written."""

    name: str
    debian: str
    python: str
    manylinux: str
    upgrade_order: tuple[str, ...]
    """Services in the order in which they get this release; those not named come after them."""
    hypervisor: HypervisorFacts
    packages: PackageFacts


@dataclass(frozen=True, slots=True)
class Release:
    """One OpenStack release: its facts, and the lock of its Python packages."""

    facts: Facts
    lock: str
    """Requirements with hashes, one for each package, as `uv pip install` reads them."""

    @property
    def name(self) -> str:
        """The name by which a Cloud asks for it."""
        return self.facts.name


def _folder() -> Traversable:
    return importlib.resources.files(__name__)


@cache
def names() -> tuple[str, ...]:
    """Return the names of the known releases, oldest first."""
    return tuple(
        sorted(entry.name for entry in _folder().iterdir() if (entry / "facts.toml").is_file())
    )


@cache
def find(name: str) -> Release:
    """Return the release of this name.

    Raises:
        Terminal: There is none; the message names those that there are.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise errors.Terminal(
            conditions.Reason.INVALID_SPEC,
            f"release {name!r} is unknown; known: {', '.join(names())}{hint}",
        )
    folder = _folder() / name
    facts = msgspec.convert(tomllib.loads((folder / "facts.toml").read_text("utf-8")), Facts)
    return Release(facts=facts, lock=(folder / "packages.lock").read_text("utf-8"))
