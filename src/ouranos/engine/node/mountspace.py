"""Where are the node's mounts, so that the host's own stay clean? Asked for every start.

A few threads of the supervisor live in a mount namespace of the node's own. Everything that they
mount is seen there only, and every process that they start is born there. The conmon processes
keep the namespace while no supervisor runs; it vanishes, with all its mounts, when the last of
them ends.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from ouranos.engine.node import identity, linux

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_THREADS = 4


class MountSpace:
    """A mount namespace, and the threads in it."""

    def __init__(self, descriptor: int, *, fresh: bool) -> None:
        self._descriptor = descriptor
        self.fresh = fresh
        """Whether it was made just now, so that nothing is mounted in it."""
        self._executor = ThreadPoolExecutor(
            _THREADS, thread_name_prefix="node-mounts", initializer=self._enter
        )

    @classmethod
    def open(cls, holders: Iterable[identity.Identity | None]) -> "MountSpace":
        """Enter the namespace that one of `holders` lives in, or make a new one."""
        for holder in holders:
            if holder is not None and (found := _namespace_of(holder)) is not None:
                return cls(found, fresh=False)
        return cls(_made(), fresh=True)

    def _enter(self) -> None:
        linux.unshare(linux.CLONE_FS)
        linux.enter(self._descriptor, linux.NEW_MOUNTS)

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call a function inside the namespace."""

        def call() -> Result:
            try:
                return function(*args, **kwargs)
            except StopIteration as error:  # no future can hold one: who waits would wait for ever
                raise RuntimeError("an iterator had nothing more") from error

        return await asyncio.wrap_future(self._executor.submit(call))

    def close(self) -> None:
        """Leave the namespace, after what is under way there."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _namespace_of(process: identity.Identity) -> int | None:
    with contextlib.suppress(OSError):
        descriptor = os.open(f"/proc/{process.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        theirs, ours = os.fstat(descriptor), os.stat("/proc/self/ns/mnt")  # noqa: PTH116
        if identity.is_alive(process) and theirs.st_ino != ours.st_ino:
            return descriptor
        os.close(descriptor)
    return None


def _made() -> int:
    found: list[int] = []
    problems: list[linux.KernelError] = []

    def make() -> None:
        try:
            linux.unshare(linux.CLONE_FS | linux.NEW_MOUNTS)
            # what the host mounts and unmounts later is seen here, never the other way round
            linux.mount("", "/", flags=linux.RECURSIVE | linux.SLAVE)
            found.append(os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
        except linux.KernelError as error:
            problems.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    for problem in problems:
        raise problem
    return found[0]
