"""Options that several commands share, and how the cloud that a person means is found."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ouranos.cli import errors
from ouranos.solo import paths

if TYPE_CHECKING:
    from ouranos.look import place

_BRING_UP = "bring one up: ouranos up examples/solo.yaml"
_SYSTEM = "ouranos-system"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Where:
    """The cloud that a person means: of this machine, or with a kubeconfig of a cluster."""

    cloud: str | None
    kubeconfig: Path | None
    context: str | None
    namespace: str | None
    system: str


def cloud(function: F) -> F:
    """`--cloud NAME`, else OURANOS_CLOUD, else the only cloud of this machine."""
    return click.option(
        "--cloud",
        "name",
        envvar="OURANOS_CLOUD",
        help="Which cloud; may be left out where there is one.",
    )(function)


def anywhere(function: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that works on any cloud; they become its argument `where`."""

    @functools.wraps(function)
    def called(**given: Any) -> None:
        file = given.pop("kubeconfig")
        names = {each: given.pop(each) for each in ("context", "namespace", "system")}
        kubeconfig = Path(file) if file else None
        function(where=Where(given.pop("name"), kubeconfig, **names), **given)

    for option in (
        click.option(
            "--system",
            envvar="OURANOS_SYSTEM",
            default=_SYSTEM,
            show_default=True,
            help="With --kubeconfig: the namespace of the controllers.",
        ),
        click.option(
            "-n",
            "--namespace",
            envvar="OURANOS_NAMESPACE",
            help="With --kubeconfig: look for the Cloud there only.",
        ),
        click.option(
            "--context",
            envvar="OURANOS_CONTEXT",
            help="With --kubeconfig: one of its contexts, instead of the current one.",
        ),
        click.option(
            "--kubeconfig",
            envvar="OURANOS_KUBECONFIG",
            type=click.Path(),
            help="A cloud in the cluster that FILE leads to, instead of one of this machine. "
            "The variable KUBECONFIG is not read.",
            metavar="FILE",
        ),
    ):
        called = option(called)
    return cloud(called)


@contextlib.asynccontextmanager
async def opened(where: Where) -> AsyncGenerator[place.Place]:
    """The cloud that is meant, wherever it runs, ready to be asked.

    Raises:
        Refused: there is none, there are several and none was named, or it cannot be asked.
    """
    if where.kubeconfig is None:
        for option in ("context", "namespace"):
            if getattr(where, option):
                raise errors.Refused(
                    f"--{option} is for a cloud in a cluster", "name the cluster: --kubeconfig FILE"
                )
        known = find(where.cloud)
        from ouranos.solo import place as local  # noqa: PLC0415 - heavy, not needed for --help

        async with local.find(known) as found:
            yield found
        return
    from ouranos.look import remote  # noqa: PLC0415 - heavy, and not needed for --help

    asked = remote.Asked(
        where.kubeconfig,
        where.context or "",
        where.cloud or "",
        where.namespace or "",
        where.system,
        guests_folder(),
    )
    async with remote.find(asked) as found:
        yield found


def guests_folder() -> Path:
    """Where the small guest is kept for clouds elsewhere: with the images, where we may write.

    An operator who is not root has it in a cache of their own.
    """
    images = paths.root_from_environment() / "images"
    nearest = next(each for each in (images, *images.parents) if each.exists())
    if os.access(nearest, os.W_OK):
        return images
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ouranos" / "images"


def find(name: str | None) -> paths.Paths:
    """The cloud of this machine that is meant.

    Raises:
        Refused: there is none, or there are several and none was named.
    """
    root = paths.root_from_environment()
    known = [each.cloud for each in paths.clouds(root)]
    if name is None and len(known) == 1:
        name = known[0]
    if name is None and known:
        raise errors.Refused(
            f"this machine has several clouds: {', '.join(known)}", f"name one: --cloud {known[0]}"
        )
    if name is None:
        raise errors.Refused("there is no cloud on this machine", _BRING_UP)
    if name not in known:
        hint = f"there is: {', '.join(known)}" if known else _BRING_UP
        raise errors.Refused(f"there is no cloud {name!r} on this machine", hint)
    return paths.Paths(root, name)
