"""A cloud of this machine, as a `look.place.Place`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ouranos.kit import cluster, errors, objects
from ouranos.look import place, state
from ouranos.solo import door, lock, machine, obstacles, paths, waiting


def running(cloud: paths.Paths) -> None:
    """Go on only where the cloud is up, or is being started again.

    Where it is down its addresses may be anybody's: nothing is sent there.

    Raises:
        place.RefusedError: it is down.
    """
    if all(lock.holder_of(path) is None for path in (cloud.daemon_lock, cloud.supervisor_lock)):
        raise place.RefusedError(
            f"{cloud.cloud}: down", f"bring it up: ouranos up --cloud {cloud.cloud}"
        )


@contextlib.asynccontextmanager
async def find(cloud: paths.Paths) -> AsyncGenerator[Local]:
    """The cloud, if it is up.

    Raises:
        place.RefusedError: it is down.
    """
    running(cloud)
    async with door.connect(cloud) as api:
        yield Local(api, cloud)


@dataclass(frozen=True, slots=True)
class Local:
    """A cloud with a daemon of its own; a `place.Place`."""

    api: cluster.Cluster
    paths: paths.Paths

    @property
    def cloud(self) -> str:
        """The Cloud's name."""
        return self.paths.cloud

    @property
    def namespace(self) -> str:
        """The same: a solo cloud has its API for itself."""
        return self.paths.cloud

    @property
    def options(self) -> str:
        """None: the only cloud of the machine, or OURANOS_CLOUD, is meant again."""
        return ""

    @property
    def files(self) -> Mapping[str, Path]:
        """What `up` has written for clients."""
        return {"clouds.yaml": self.paths.clouds_yaml, "kubeconfig": self.paths.kubeconfig}

    @property
    def guests(self) -> Path:
        """Beside the images, whose packages it shares."""
        return self.paths.images

    async def look(self) -> tuple[objects.Object, state.State]:
        """The Cloud, and how it is by itself, its node and its machine.

        Raises:
            place.RefusedError: it is down, cannot be asked, or nobody has given the daemon a Cloud.
        """
        cloud = self.paths
        running(cloud)
        networks = machine.Machine.read(cloud) or machine.DEFAULT
        try:
            found, now = await waiting.look(self.api, cloud, networks)
        except errors.Unreachable as error:
            for each in await asyncio.to_thread(obstacles.find, cloud, networks):
                raise place.RefusedError(f"{cloud.cloud}: {each.message}", each.hint) from error
            if lock.holder_of(cloud.daemon_lock) is not None:
                raise
            raise place.RefusedError(
                f"{cloud.cloud}: its daemon has ended and is being started again",
                f"ask again in a moment; {cloud.log} says why",
            ) from error
        if found is None or now is None:
            raise place.RefusedError(
                f"{cloud.cloud}: the daemon runs, and nobody has given it a Cloud",
                "bring it up: ouranos up FILE",
            )
        return found, now

    async def own_pods(self) -> list[objects.Object]:
        """There are none in solo.

        Raises:
            place.RefusedError: always; the daemon keeps a log of its own.
        """
        raise place.RefusedError(
            "the controllers of a solo cloud run in its daemon", f"look into {self.paths.log}"
        )

    async def environment(self) -> dict[str, str]:
        """The administrator, by the file that `up` has written.

        Raises:
            place.RefusedError: there is none yet.
        """
        file = self.paths.clouds_yaml
        if not file.exists():
            raise place.RefusedError("the cloud has no clouds.yaml yet", "bring it up: ouranos up")
        return {"OS_CLIENT_CONFIG_FILE": str(file), "OS_CLOUD": self.paths.cloud}

    @contextlib.asynccontextmanager
    async def alone(self, purpose: str) -> AsyncGenerator[None]:
        """Hold a file's lock.

        Raises:
            place.RefusedError: another process holds it.
        """
        try:
            with lock.Lock(self.paths.folder / f"{purpose}.lock", purpose):
                yield
        except lock.LockHeldError as error:
            raise place.RefusedError(str(error), "wait until it is done") from error
