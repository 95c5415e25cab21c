"""Does a server answer in its own words? One question over TCP, where no library is needed."""

import asyncio
from typing import Final, Protocol

from ouranos.kit import errors

_SECONDS: Final = 5.0


class Ask(Protocol):
    """How a server is asked one question."""

    async def __call__(self, host: str, port: int, question: bytes, until: bytes) -> bytes:
        """Return the answer up to and with `until`.

        Raises:
            errors.Unreachable: there is no such answer within a few seconds.
        """
        ...


async def ask(host: str, port: int, question: bytes, until: bytes) -> bytes:
    """Ask over TCP; what `Ask` promises."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(question)
                return await reader.readuntil(until)
            finally:
                writer.close()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise errors.Unreachable(f"{host}:{port} does not answer: {_told(error)}") from error


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
