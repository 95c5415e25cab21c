"""Can this container mount NFS? If its kernel cannot, a share of this machine is bound instead.

    python3 -m ouranos_runtime.nfs [--local] -- PROGRAM [ARGUMENT…]

Cinder's NFS driver and Nova mount a share by `mount -t nfs`, which runs `/usr/sbin/mount.nfs`.
Where the kernel has no NFS client, or the share is a folder of this machine (`--local`), the
image's stand-in is bound over that program in the container's own mount namespace. Then PROGRAM
takes this one's place.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FILESYSTEMS = Path("/proc/filesystems")
PROGRAM = "/usr/sbin/mount.nfs"
STAND_IN = "/usr/lib/ouranos/mount.nfs"
LOCAL = "--local"


def has_client(filesystems: str) -> bool:
    """Whether the kernel's list of file systems has an NFS client."""
    names = {line.split()[-1] for line in filesystems.splitlines() if line.split()}
    return bool(names & {"nfs", "nfs4"})


def split(command_line: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether the share is local, and the program to run.

    Raises:
        SystemExit: There is no program.
    """
    words = list(command_line)
    at = words.index("--") if "--" in words else -1
    if at < 0 or not words[at + 1 :]:
        raise SystemExit("usage: python3 -m ouranos_runtime.nfs [--local] -- PROGRAM [ARGUMENT…]")
    return LOCAL in words[:at], words[at + 1 :]


def main() -> None:
    """Choose, and run the program."""
    local, program = split(sys.argv[1:])
    if local or not has_client(FILESYSTEMS.read_text()):
        sys.stderr.write("NFS shares are bound as folders of this machine\n")
        subprocess.run(["/usr/bin/mount", "--bind", STAND_IN, PROGRAM], check=True)  # noqa: S603
    os.execvp(program[0], program)  # noqa: S606 - the pod's own command


if __name__ == "__main__":
    main()
