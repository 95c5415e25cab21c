"""How does this room run a program of the host to its end?"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ouranos.lab import errors

ENVIRONMENT: Final = {
    "PATH": "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
"""All that programs are given: neither proxies nor Python's settings reach the lab."""

_KEPT: Final = 2000


async def run(
    *argv: str | Path,
    stdin: bytes | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 120,
    detached: bool = False,
) -> str:
    """Run a program and return what it wrote to standard output.

    Args:
        argv: program and arguments.
        stdin: what it reads: bytes, or a file's descriptor.
        env: its environment, instead of the bare one.
        cwd: where it runs.
        seconds: when it is ended.
        detached: what it leaves behind hears no signal of our terminal.

    Raises:
        LabError: it failed, or was not done in time.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *map(str, argv),
        stdin=pipe if isinstance(stdin, bytes) else (stdin or asyncio.subprocess.DEVNULL),
        stdout=pipe,
        stderr=pipe,
        env=dict(ENVIRONMENT if env is None else env),
        cwd=cwd,
        umask=0o022,
        start_new_session=detached,
    )
    try:
        async with asyncio.timeout(seconds):
            output, complaints = await process.communicate(
                stdin if isinstance(stdin, bytes) else None
            )
    except TimeoutError:
        raise errors.LabError(f"{argv[0]} was not done within {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = (complaints or output).decode(errors="replace").strip()[-_KEPT:]
        raise errors.LabError(
            f"{' '.join(map(str, argv[:6]))} ended with {process.returncode}: {said}"
        )
    return output.decode(errors="replace")


def with_registries() -> dict[str, str]:
    """Return the environment of `go`: as we were called, for it must reach registries."""
    return {**os.environ, "CGO_ENABLED": "0"}
