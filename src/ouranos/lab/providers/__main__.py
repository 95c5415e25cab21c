"""`python -m ouranos.lab.providers`: the process that gives a lab volumes and addresses."""

import argparse
import asyncio
import contextlib
import signal
from ipaddress import IPv4Network
from pathlib import Path

from ouranos.kit import controller, kubeconfig, log, seams
from ouranos.lab.providers import addresses, volumes


async def run(config: Path, folder: Path, network: IPv4Network) -> None:
    """Run until told to end."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with kubeconfig.read(config).open(manager="lab-providers") as source:
        every = (*volumes.controllers_of(folder), addresses.controller_of(network))
        runner = controller.ControllerRunner(every, controller.Mirror(source, every, seams.real()))
        running = asyncio.create_task(controller.run_alone(runner))
        ended = asyncio.create_task(stopped.wait())
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not running.done():
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def main() -> None:
    """Read what we were given and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--volumes", type=Path, required=True)
    parser.add_argument("--addresses", type=IPv4Network, required=True)
    given = parser.parse_args()
    log.configure()
    asyncio.run(run(given.kubeconfig, given.volumes, given.addresses))


if __name__ == "__main__":
    main()
