"""Processes named by what cannot be reused: the PID together with its start time.

A PID alone is a name that the kernel gives to somebody else later; nothing is signalled by it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process that lives or has lived on this machine."""

    pid: int
    started: int  # clock ticks after boot, field 22 of /proc/PID/stat (proc(5))

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has this PID now, or None."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = text.rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        return cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether it still runs."""
        return Process.find(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive():
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def wait(self, seconds: float | None) -> bool:
        """Wait until it has ended, at most `seconds`; True when it has."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():
                return True
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(None if seconds is None else seconds * 1000))
        finally:
            os.close(handle)
