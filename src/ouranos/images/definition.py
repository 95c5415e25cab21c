"""What is an image, before anything is fetched? The words in which the catalogue is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Account(NamedTuple):
    """A user and the group of the same name and number."""

    name: str
    number: int
    group: int | None = None
    """Primary group, where it is not the user's own."""
    home: str = "/nonexistent"


class Group(NamedTuple):
    """A group that is nobody's own."""

    name: str
    number: int
    members: tuple[str, ...] = ()


class Directory(NamedTuple):
    """A directory that no package brings, or whose owner or mode a maintainer script would set."""

    path: str
    mode: int = 0o755
    owner: int = 0
    """User and group number."""


class File(NamedTuple):
    """A text file, owned by root."""

    path: str
    text: str
    mode: int = 0o644


class Link(NamedTuple):
    """A symbolic link; one that is there already is replaced."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One directory tree of an image, shared by all images that name it."""

    name: str
    packages: tuple[str, ...] = ()
    """Debian packages, with what they depend on and no layer below has."""
    over: tuple["Layer", ...] = ()
    """Layers that it stands on."""
    absent: tuple[str, ...] = ()
    """Packages that are taken for installed though no layer brings them: nothing here runs them."""
    accounts: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = ()
    directories: tuple[Directory, ...] = ()
    files: tuple[File, ...] = ()
    links: tuple[Link, ...] = ()
    certificates: bool = False
    """Whether the bundle of certificate authorities is made from the ca-certificates package."""
    bytecode: tuple[str, ...] = ()
    """Folders of Debian's Python modules that are compiled."""
    environment: str = ""
    """Which locked Python packages it holds, if any: those of `environment.LOCKED`."""
    own: str = ""
    """Which Python package of Ouranos it holds, if any: those of `own.ENVIRONMENTS`."""

    def below(self) -> tuple["Layer", ...]:
        """Return the layers under this one, lowest first, each once."""
        return stacked(self.over)

    def foundation(self) -> Iterator["Layer"]:
        """Yield this layer and all under it, lowest first."""
        yield from self.below()
        yield self


def stacked(tops: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return these layers and all under them, lowest first, each once."""
    found: dict[str, Layer] = {}
    for top in tops:
        for layer in top.foundation():
            found.setdefault(layer.name, layer)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Privilege:
    """Why a program of an image does not run as its own unprivileged user without capabilities."""

    program: str
    reason: str
    capabilities: tuple[str, ...] = ()
    root: bool = True


@dataclass(frozen=True, slots=True)
class Image:
    """What runs in a pod."""

    name: str
    top: Layer
    env: dict[str, str] = field(default_factory=dict[str, str])
    privileges: tuple[Privilege, ...] = ()
    """The programs that need more than nothing; all others need nothing."""
    user: int = 0
    """Number of the user and group that runs the command, where a pod names none."""
    command: tuple[str, ...] = ()
    """What runs where a pod names no command."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, lowest first."""
        return tuple(self.top.foundation())
