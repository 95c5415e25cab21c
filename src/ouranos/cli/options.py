"""Options that several commands share, and how the cloud that a person means is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ouranos.cli import errors
from ouranos.solo import lock, paths

_BRING_UP = "bring one up: ouranos up examples/solo.yaml"

F = TypeVar("F", bound=Callable[..., Any])


def cloud(function: F) -> F:
    """`--cloud NAME`, else OURANOS_CLOUD, else the only cloud of this machine."""
    return click.option(
        "--cloud",
        "name",
        envvar="OURANOS_CLOUD",
        help="Which cloud; may be left out where there is one.",
    )(function)


def find(name: str | None) -> paths.Paths:
    """The cloud that is meant.

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


def running(cloud: paths.Paths) -> None:
    """Go on only where the cloud is up, or is being started again.

    Where it is down its addresses may be anybody's: nothing is sent there.

    Raises:
        Refused: it is down.
    """
    if all(lock.holder_of(path) is None for path in (cloud.daemon_lock, cloud.supervisor_lock)):
        raise errors.Refused(
            f"{cloud.cloud}: down", f"bring it up: ouranos up --cloud {cloud.cloud}"
        )
