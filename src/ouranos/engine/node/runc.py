"""How are containers started and ended? The one wrapper of the `runc` program."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ouranos.engine.node import mountspace, processes
from ouranos.kit import errors

PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the host's programs are."""
ENVIRONMENT = {"PATH": PROGRAMS, "LC_ALL": "C.UTF-8"}
_MESSAGE = re.compile(r'level=(?:error|fatal) msg="((?:[^"\\]|\\.)*)"')
_DEADLINE = 60.0
"""Seconds that one call may take on a machine that is very busy."""


class RuncError(errors.Transient):
    """Runc, or conmon on its behalf, refused."""


def program(name: str, programs: str = PROGRAMS) -> str:
    """Return the absolute path of a program of the host.

    Raises:
        RuncError: it is not installed.
    """
    found = shutil.which(name, path=programs)
    if found is None:
        raise RuncError(f"the program {name} is not installed (hint: apt-get install {name})")
    return found


@dataclass(frozen=True, slots=True)
class Runc:
    """Runc with a state folder of its own."""

    space: mountspace.MountSpace
    root: Path
    programs: str = PROGRAMS

    async def _call(self, *arguments: str, seconds: float = _DEADLINE) -> processes.Finished:
        command = (program("runc", self.programs), "--root", str(self.root), *arguments)
        return await processes.run(self.space, command, ENVIRONMENT, seconds)

    async def start(self, identity: str) -> None:
        """Let the init process of a created container run its program."""
        done = await self._call("start", identity)
        if done.code:
            raise RuncError(reason(done.output))

    async def delete(self, identity: str) -> None:
        """Kill what is left of a container and forget it; fine when there is none."""
        if not (self.root / identity).exists():
            return
        done = await self._call("delete", "--force", identity)
        if done.code and (self.root / identity / "state.json").exists():
            raise RuncError(reason(done.output))
        shutil.rmtree(self.root / identity, ignore_errors=True)

    async def execute(
        self, identity: str, command: Sequence[str], pid_file: Path, seconds: float
    ) -> processes.Finished:
        """Run a program in a container as its own process runs: same user, environment, limits."""
        arguments = ("exec", "--pid-file", str(pid_file), identity, *command)
        return await self._call(*arguments, seconds=seconds)


def reason(output: str) -> str:
    """Return why runc refused, without how it says it: its last line, or the message in it."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else "runc gave no reason"
    found = _MESSAGE.search(last)
    text = found[1].replace('\\"', '"') if found else last
    return text.removeprefix("runc create failed: ").removeprefix(
        "unable to start container process: "
    )
