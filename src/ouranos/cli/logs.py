"""`ouranos logs SERVICE[/COMPONENT]`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import click

from ouranos.cli import errors, options

if TYPE_CHECKING:
    from ouranos.look import place as place_module

Object = dict[str, Any]
_CONTROLLERS = "controllers"


@click.command
@click.argument("service")
@options.anywhere
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come.")
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="Lines from the end, per container.",
)
@click.option("--previous", is_flag=True, help="Of the container that ran before.")
def command(service: str, where: options.Where, *, follow: bool, tail: int, previous: bool) -> None:
    """Print what SERVICE says: nova, or one part of it: nova/scheduler, libvirt.

    `controllers` are those of Ouranos itself, in a cluster.
    """
    errors.run(_logs(service, where, follow=follow, tail=tail, previous=previous))


async def _logs(
    service: str, where: options.Where, *, follow: bool, tail: int, previous: bool
) -> None:
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415 - heavy, not needed for --help

    async with options.opened(where) as place:
        pods = await _pods(place, service)
        several = len(pods) > 1

        async def one(pod: Object, container: str) -> bool:
            """Print what one container says; False when there is nothing to print."""
            prefix = f"[{pod['metadata']['name']}] ".encode() if several else b""
            stream = place.api.logs(
                pod["metadata"]["name"],
                pod["metadata"]["namespace"],
                container=container,
                follow=follow,
                tail=tail,
                previous=previous,
            )
            try:
                await _print(stream, prefix)
            except kit_errors.ApiError as error:
                click.echo(f"{pod['metadata']['name']}: {error.message}", err=True)
                return False
            return True

        sources = [(pod, each["name"]) for pod in pods for each in _inside(pod)]
        if follow:
            told = await asyncio.gather(*(one(*source) for source in sources))
        else:
            told = [await one(*source) for source in sources]
        if not any(told):
            raise errors.Refused(
                f"{service} has no log to print", f"look with: ouranos status{place.options}"
            )


async def _pods(place: place_module.Place, service: str) -> list[Object]:
    """The pods that a word such as `nova`, `nova/scheduler` or `scheduler` means.

    Raises:
        Refused: there is none.
    """
    from ouranos.kit import kinds  # noqa: PLC0415 - heavy, and not needed for --help

    if service == _CONTROLLERS:
        return await place.own_pods()
    every = (await place.api.list(kinds.POD, place.namespace)).items
    labels = [_label(pod) for pod in every]
    found = [pod for pod, (name, _) in zip(every, labels, strict=True) if service == name]
    found = found or [
        pod
        for pod, (name, component) in zip(every, labels, strict=True)
        if service in {component, f"{name}/{component}"}
    ]
    if found:
        return found
    known = sorted({"/".join(filter(None, label)) for label in labels})
    hint = f"there are: {', '.join(known)}" if known else "nothing has been started yet"
    raise errors.Refused(f"no pod belongs to {service}", hint)


def _inside(pod: Object) -> list[Object]:
    containers: list[Object] = pod["spec"]["containers"]
    return containers


async def _print(stream: AsyncGenerator[bytes, None], prefix: bytes) -> None:
    """Print whole lines, so that two containers never mix within one."""
    rest = b""
    async with contextlib.aclosing(stream):
        async for chunk in stream:
            *lines, rest = (rest + chunk).split(b"\n")
            sys.stdout.buffer.write(b"".join(prefix + line + b"\n" for line in lines))
            sys.stdout.buffer.flush()
    if rest:
        sys.stdout.buffer.write(prefix + rest + b"\n")
        sys.stdout.buffer.flush()


def _label(pod: Object) -> tuple[str, str]:
    """The service that a pod belongs to, and which part of it the pod is."""
    labels = pod["metadata"].get("labels", {})
    name, component = (labels.get(f"app.kubernetes.io/{key}", "") for key in ("name", "component"))
    return name, component
