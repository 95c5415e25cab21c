"""How does a container begin, end, and survive us?

Every step leaves a record that a new supervisor understands.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Final

import msgspec

from ouranos.engine.node import (
    cgroups,
    config,
    conmon,
    identity,
    mountspace,
    processes,
    records,
    rootfs,
    runc,
)
from ouranos.kit import errors, log, objects

CANNOT_RUN: Final = "ContainerCannotRun"
UNKNOWN: Final = "ContainerStatusUnknown"
LOG_LIMIT: Final = 50 * 1024 * 1024
"""Bytes at which conmon starts a log anew by itself.

Rotation comes long before, while a supervisor runs.
"""

_CONMON = "conmon"
_LAST_WORDS = 5.0
"""Seconds that a container without conmon gets to end by itself."""
_AGAIN = 1.0
"""Seconds until what could not be tidied up is tried again."""
_NO_COMMAND = 127
_CANNOT_INVOKE = 126
_CANNOT_START = 128
_KILLED = 137

_log = log.get(component="containers")


@dataclass(frozen=True, slots=True)
class Plan:
    """A container as it is to be made."""

    record: records.Record
    config: objects.Object
    layers: Sequence[Path]
    bindings: Sequence[rootfs.Binding] = ()
    writable: bool = False


class Containers:
    """The containers of one node."""

    def __init__(
        self,
        layout: config.Layout,
        space: mountspace.MountSpace,
        groups: cgroups.Cgroups,
        programs: str = runc.PROGRAMS,
    ) -> None:
        self.layout = layout
        self.space = space
        self.groups = groups
        self.runc = runc.Runc(space, layout.runtime, programs)

    async def run(self, plan: Plan) -> records.Record:
        """Create and start a container.

        What cannot be run ends at once, and its record says why.
        """
        record = await self.space.run(records.save, self.layout, plan.record)
        try:
            record = await self.space.run(self._create, plan)
            await self.runc.start(record.id)
        except (errors.Transient, OSError) as error:
            try:
                return await self._never_ran(record, str(error))
            except OSError:  # the disk is full: nothing can be written down, so nothing may be left
                await self.forget(record)
                raise
        return await self._save(record.but(phase=records.Phase.RUNNING, started=records.now()))

    def _create(self, plan: Plan) -> records.Record:
        bundle = self.layout.container(plan.record.id)
        rootfs.prepare(bundle, plan.layers, plan.bindings, writable=plan.writable)
        (bundle / "config.json").write_bytes(msgspec.json.encode(plan.config))
        order = conmon.Order(
            id=plan.record.id,
            bundle=bundle,
            log=Path(plan.record.log),
            exits=self.layout.exits,
            sockets=self.layout.sockets,
            runtime=self.layout.runtime,
            log_limit=LOG_LIMIT,
            programs=self.runc.programs,
        )
        order.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.groups.make(_CONMON)
        supervisor, init = conmon.create(order, lambda pid: self.groups.add(_CONMON, pid))
        record = plan.record.but(phase=records.Phase.CREATED, conmon=supervisor, init=init)
        return records.save(self.layout, record)

    async def _never_ran(self, record: records.Record, message: str) -> records.Record:
        while True:
            try:
                await self._clear(record)
                break
            except errors.Transient as error:
                # It may live, and two of one kind would share their files: nothing comes before.
                _log.warning("Retrying to tidy up", container=record.id, error=str(error))
                await asyncio.sleep(_AGAIN)
        code = _CANNOT_START
        if "not found" in message or "no such file" in message:
            code = _NO_COMMAND
        elif "permission denied" in message:
            code = _CANNOT_INVOKE
        moment = records.now()
        return await self._save(
            record.but(
                phase=records.Phase.EXITED,
                started=moment,
                finished=moment,
                exit_code=code,
                reason=CANNOT_RUN,
                message=message,
            )
        )

    async def _save(self, record: records.Record) -> records.Record:
        return await self.space.run(records.save, self.layout, record)

    async def finish(self, record: records.Record) -> records.Record:
        """Await a container's end, tidy up behind it, and return how it ended."""
        await identity.ended(record.conmon)
        code = conmon.exit_code(self.layout.exits, record.id)
        reason, message = "", ""
        if code is None:
            code, reason = _KILLED, UNKNOWN
            message = (
                "the container's conmon process had ended, so its output and exit code were lost"
            )
            await self._end(record.init, _LAST_WORDS)
        elif self.groups.was_out_of_memory(record.cgroup):
            reason = "OOMKilled"
        finished = self._finished(record)
        await self._clear(record)
        return await self._save(
            record.but(
                phase=records.Phase.EXITED,
                finished=finished,
                exit_code=code,
                reason=reason or ("Error" if code else "Completed"),
                message=message,
            )
        )

    def _finished(self, record: records.Record) -> datetime:
        with contextlib.suppress(FileNotFoundError):
            written = (self.layout.exits / record.id).stat().st_mtime
            return datetime.fromtimestamp(written, UTC)
        return records.now()

    async def _end(self, process: identity.Identity | None, grace: float) -> None:
        if identity.send(process, SIGTERM) and not await identity.ended_within(process, grace):
            identity.send(process, SIGKILL)
            await identity.ended_within(process, _LAST_WORDS)

    async def stop(self, record: records.Record, grace: float) -> None:
        """Ask a container to end, and after `grace` seconds end it; `finish` sees it end."""
        if grace > 0:
            await self._end(record.init, grace)
        identity.send(record.init, SIGKILL)

    async def _clear(self, record: records.Record) -> None:
        """Leave nothing of a container but its record, its log and its exit code."""
        await self.runc.delete(record.id)
        suspects = [record.conmon]
        if record.phase is records.Phase.CREATING:
            suspects = [*await self.space.run(identity.naming, record.id)]
        for process in suspects:
            if process and not await identity.ended_within(process, _LAST_WORDS):
                identity.send(process, SIGKILL)
                await identity.ended_within(process, _LAST_WORDS)
        await self.runc.delete(record.id)
        await self.space.run(self._tidy, record)

    def _tidy(self, record: records.Record) -> None:
        if record.cgroup:
            self.groups.remove(record.cgroup)
        bundle = self.layout.container(record.id)
        rootfs.release(bundle)
        (self.layout.sockets / record.id).unlink(missing_ok=True)  # a link to the bundle
        for entry in bundle.iterdir():
            if entry.name != "record.json":
                _remove(entry)

    async def forget(self, record: records.Record) -> None:
        """Remove what is left of a container that has ended, but for its log."""
        await self.space.run(self._forget, record)

    def _forget(self, record: records.Record) -> None:
        (self.layout.exits / record.id).unlink(missing_ok=True)
        rootfs.discard(self.layout.container(record.id))

    async def adopt(self) -> list[records.Record]:
        """Find the containers that an earlier supervisor has left; what never ran is removed."""
        kept: list[records.Record] = []
        for record in await self.space.run(records.load, self.layout):
            found = await self._adopted(record)
            if found is not None:
                kept.append(found)
        return kept

    async def _adopted(self, record: records.Record) -> records.Record | None:
        if record.has_ended:
            return record
        if record.boot != identity.boot():
            return await self._save(
                record.but(
                    phase=records.Phase.EXITED,
                    finished=records.now(),
                    exit_code=255,
                    reason=UNKNOWN,
                    message="the machine was restarted",
                    conmon=None,
                    init=None,
                )
            )
        if record.phase is records.Phase.RUNNING:
            return record
        if record.phase is records.Phase.CREATED and self._was_started(record):
            running = record.but(phase=records.Phase.RUNNING, started=records.now())
            return await self._save(running)
        await self._clear(record)
        await self.forget(record)
        return None

    def _was_started(self, record: records.Record) -> bool:
        state = self.layout.runtime / record.id
        return (state / "state.json").exists() and not (state / "exec.fifo").exists()

    async def execute(
        self, record: records.Record, command: Sequence[str], seconds: float
    ) -> processes.Finished:
        """Run a program in a running container; when it takes too long it is killed."""
        pid_file = self.layout.container(record.id) / f"exec-{records.new_id()[:8]}.pid"
        try:
            done = await self.runc.execute(record.id, command, pid_file, seconds)
            if done.code == processes.TIMED_OUT:
                with contextlib.suppress(FileNotFoundError, ValueError):
                    pid = int(pid_file.read_text())
                    if pid in self.groups.processes(record.cgroup):
                        identity.send(identity.of(pid), SIGKILL)
            return done
        finally:
            pid_file.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


async def gather(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks and await their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
