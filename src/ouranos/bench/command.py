"""The command line of this installation, driven as a person drives it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ouranos.bench import machine, place

Listener = Callable[[str], None]


class FailedError(Exception):
    """A command failed; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Ouranos:
    """Runs commands on one cloud."""

    where: place.Place
    more: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further variables of its environment."""

    @property
    def _environment(self) -> Mapping[str, str]:
        ours = {"OURANOS_ROOT": str(self.where.root), "OURANOS_CLOUD": place.NAME}
        return {**os.environ, **ours, **self.more}

    def _start(self, *words: str) -> subprocess.Popen[str]:
        return self._begin(str(Path(sys.executable).with_name("ouranos")), *words)

    def _begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own command
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )

    def done(self, *words: str) -> machine.Spent:
        """Run a command to its end and say what the machine spent.

        Raises:
            FailedError: it failed.
        """
        return self.program(str(Path(sys.executable).with_name("ouranos")), *words)

    def module(self, *words: str) -> machine.Spent:
        """Run a module of this installation, as `done` runs a command."""
        return self.program(sys.executable, "-m", *words)

    def program(self, *words: str) -> machine.Spent:
        """Run a program, as `done` runs a command."""
        meter = machine.Meter()
        process = self._begin(*words)
        _, said = process.communicate()
        if process.returncode != 0:
            raise FailedError(f"{' '.join(words)} failed:\n{said}")
        return meter.read()

    def alone(self, *words: str) -> machine.Spent:
        """Run a command that leaves nothing behind; its own CPU seconds, not the machine's."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = self.done(*words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return machine.Spent(spent.wall, cpu)

    def verify(self, listen: Listener) -> dict[str, float]:
        """Verify; the seconds of each proof.

        Args:
            listen: told each line as it comes: the proof that has just been made.

        Raises:
            FailedError: something was not proved.
        """
        process = self._start("verify", "-o", "json")
        told: list[str] = []
        for line in process.stderr or ():
            listen(line)
            told.append(line)
        report = process.stdout.read() if process.stdout else ""
        if process.wait() != 0:
            raise FailedError(f"ouranos verify failed:\n{''.join(told)}")
        return {each["name"]: each["seconds"] for each in json.loads(report)["proofs"]}
