"""Do time and blocking calls reach a controller as they should?"""

import asyncio
import contextvars
import threading

import pytest

from ouranos.kit import seams


async def test_threads_can_be_waited_for_after_their_caller_has_given_up() -> None:
    blocking, go_on, ended = seams.Threads(1), threading.Event(), list[str]()

    def work(name: str) -> str:
        go_on.wait(30)
        ended.append(name)
        return name

    caller = asyncio.ensure_future(blocking(work, "first"))
    queued = asyncio.ensure_future(blocking(work, name="second"))
    await asyncio.sleep(0)
    caller.cancel()
    assert not await blocking.ended(0.05)
    assert ended == []
    go_on.set()
    assert await blocking.ended(30)
    assert ended == ["first"]
    with pytest.raises(asyncio.CancelledError):
        await queued
    assert await blocking.ended(30)
    assert await blocking(work, "third") == "third"


async def test_a_thread_knows_what_its_caller_knew() -> None:
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known")
    known.set("here")
    assert await seams.Threads(1)(known.get) == "here"


async def test_a_clock_of_the_machine_never_goes_backwards() -> None:
    clock = seams.real().clock
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() > before
