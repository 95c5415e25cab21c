"""`ouranos logs SERVICE[/COMPONENT]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import click

from ouranos.cli import errors, options

Object = dict[str, Any]


@click.command
@click.argument("service")
@options.cloud
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come.")
@click.option(
    "--tail", type=int, default=200, show_default=True, help="Lines from the end, per container."
)
@click.option("--previous", is_flag=True, help="Of the container that ran before.")
def command(service: str, name: str | None, *, follow: bool, tail: int, previous: bool) -> None:
    """Print what SERVICE says: nova, nova/scheduler, mariadb, libvirt."""
    errors.run(_logs(service, name, follow=follow, tail=tail, previous=previous))


async def _logs(service: str, name: str | None, *, follow: bool, tail: int, previous: bool) -> None:
    from ouranos.kit import kinds  # noqa: PLC0415 - heavy, and not needed for --help
    from ouranos.solo import door  # noqa: PLC0415

    cloud = options.find(name)
    word, _, component = service.partition("/")
    labels = f"app.kubernetes.io/name={word}"
    if component:
        labels += f",app.kubernetes.io/component={component}"
    async with door.connect(cloud) as api:
        pods = (await api.list(kinds.POD, cloud.cloud, labels=labels)).items
        if not pods:
            every = (await api.list(kinds.POD, cloud.cloud)).items
            known = sorted({_label(pod) for pod in every})
            raise errors.Refused(f"no pod belongs to {service}", f"there are: {', '.join(known)}")
        several = len(pods) > 1

        async def one(pod: Object, container: str) -> None:
            prefix = f"[{pod['metadata']['name']}] ".encode() if several else b""
            stream = api.logs(
                pod["metadata"]["name"],
                cloud.cloud,
                container=container,
                follow=follow,
                tail=tail,
                previous=previous,
            )
            async for line in _lines(stream):
                sys.stdout.buffer.write(prefix + line)
                sys.stdout.buffer.flush()

        sources = [(pod, each["name"]) for pod in pods for each in pod["spec"]["containers"]]
        if follow:
            await asyncio.gather(*(one(*source) for source in sources))
        else:
            for source in sources:
                await one(*source)


async def _lines(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines, so that two containers never mix within one."""
    rest = b""
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest + b"\n"


def _label(pod: Object) -> str:
    labels = pod["metadata"].get("labels", {})
    name, component = (labels.get(f"app.kubernetes.io/{key}") for key in ("name", "component"))
    return f"{name}/{component}" if component else str(name)
