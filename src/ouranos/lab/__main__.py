"""`python -m ouranos.lab build|up|down|load`: what `make kubernetes` calls."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ouranos.kit import errors as refusals
from ouranos.lab import building, down, errors, nodes, settings, up


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command's own words


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ouranos.lab", description=__doc__)
    parser.add_argument("--lab", type=int, help="its number, where there are several (OURANOS_LAB)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="compile Kubernetes, etcd and CoreDNS")
    one = commands.add_parser("up", help="bring the lab up, or make it whole again")
    one.add_argument("--nodes", type=int, default=1, help="at least so many")
    one.add_argument("--public", help="the Cloud's floating addresses, such as 172.24.4.0/24")
    commands.add_parser("down", help="remove the lab with everything in it")
    one = commands.add_parser("load", help="load OCI archives into every node")
    one.add_argument("archives", nargs="+", type=Path)
    return parser.parse_args()


async def _load(place: settings.Settings, archives: list[Path]) -> None:
    present = place.present()
    if not present:
        raise errors.LabError("there is no lab", "bring one up: make kubernetes")
    for archive in archives:
        await asyncio.gather(*(nodes.load(node, archive) for node in present))


async def _build(place: settings.Settings) -> None:
    _tell(str(await building.ensure(place.cache, _tell)))


async def _up(place: settings.Settings, count: int) -> None:
    await up.up(place, count, _tell)
    _tell(f"export KUBECONFIG={place.kubeconfig} PATH={place.bin}:$PATH")


def _work(given: argparse.Namespace) -> Coroutine[Any, Any, None]:
    place = settings.of_environment(given.lab, getattr(given, "public", None))
    match given.command:
        case "build":
            return _build(place)
        case "up":
            return _up(place, given.nodes)
        case "down":
            return down.down(place, _tell)
        case _:
            return _load(place, given.archives)


def main() -> int:
    """Run the command; 0 when it is done, 1 when a person has something to do."""
    try:
        asyncio.run(_work(_arguments()))
    except (refusals.OuranosError, ValueError, OSError) as error:
        _tell(f"error: {error}")
        if hint := getattr(error, "hint", ""):
            _tell(f"hint: {hint}")
        return 1
    except KeyboardInterrupt:
        _tell("stopped; run `up` again to go on, or `down`")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
