"""Which object is looked at next, and when? One queue per controller; asked by the runner.

A key is in one of four states: absent, due later, ready, running. A key is never run twice at
once; one that is added while it runs is run again after. There is no polling: one timer sleeps
until the soonest due key, and a pass is a task of its own, in the context of who serves the queue:
whoever adds a key, a reflector or a timer, passes nothing of his own on, and above all no fence.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from ouranos.kit import metrics, seams
from ouranos.kit.objects import Key

_SLACK: Final = 64
"""Entries of the heap that may be out of date before it is built anew."""

Run = Callable[[Key], Awaitable[None]]


class Queue:
    """Runs a function for each key that is added, at most `workers` at once."""

    def __init__(self, name: str, workers: int, clock: seams.Clock, run: Run) -> None:
        self._name: Final = name
        self._workers: Final = workers
        self._clock: Final = clock
        self._run: Final = run
        self._ready: deque[Key] = deque()
        self._since: dict[Key, float] = {}
        self._running: set[Key] = set()
        self._again: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_due = 0.0
        self._context = contextvars.Context()
        self._closed = False
        self.idle: Final = asyncio.Event()
        self.idle.set()
        self.finished: Final = asyncio.Event()

    async def serve(self) -> None:
        """Run what is added, and what was added before, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._context = contextvars.copy_context()
            self._start()
            self._set_timer()
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    def add(self, key: Key) -> None:
        """Have the key run as soon as a worker is free."""
        self._due.pop(key, None)
        if key in self._running:
            self._again.add(key)
            return
        if key in self._since:
            return
        self._since[key] = self._clock.monotonic()
        self._ready.append(key)
        self.idle.clear()
        self._start()

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key run after so many seconds, or sooner if it is due sooner already."""
        if key in self._since or key in self._again:
            return
        due = self._clock.monotonic() + max(seconds, 0.0)
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            if len(self._heap) > _SLACK + 2 * len(self._due):
                self._heap = [(at, one) for one, at in self._due.items()]
                heapq.heapify(self._heap)
            self._set_timer()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the passes, for as long as the queue is served.

        It MUST raise nothing: that would end all passes.
        """
        if self._tasks is None:
            work.close()
        else:
            self._tasks.create_task(work)

    def close(self) -> None:
        """Start nothing any more; `finished` says when what runs has ended."""
        self._closed = True
        if not self._running:
            self.finished.set()

    def forget(self, key: Key) -> None:
        """Have the key run no more, unless it is added again."""
        self._due.pop(key, None)
        self._again.discard(key)

    def due_in(self, key: Key) -> float | None:
        """Return the seconds until the key is run, 0 if it waits for a worker, None if never."""
        if key in self._since or key in self._again:
            return 0.0
        due = self._due.get(key)
        return None if due is None else max(0.0, due - self._clock.monotonic())

    def _start(self) -> None:
        if self._closed:
            return
        while self._tasks is not None and self._ready and len(self._running) < self._workers:
            key = self._ready.popleft()
            waited = self._clock.monotonic() - self._since.pop(key)
            metrics.QUEUE_WAIT_SECONDS.observe(self._name, value=waited)
            self._due.pop(key, None)
            self._running.add(key)
            self._tasks.create_task(self._work(key), context=self._context.copy())
        metrics.QUEUE_DEPTH.set(self._name, to=len(self._ready))

    async def _work(self, key: Key) -> None:
        try:
            await self._run(key)
        finally:
            self._running.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)
            else:
                self._start()
            if not self._running and not self._ready:
                self.idle.set()
            if self._closed and not self._running:
                self.finished.set()

    def _set_timer(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if self._tasks is None or not self._heap:
            return
        due = self._heap[0][0]
        if self._timer is not None and not self._timer.done():
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._tasks.create_task(self._wake(due))

    async def _wake(self, due: float) -> None:
        await self._clock.sleep(due - self._clock.monotonic())
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                self.add(key)
        self._timer = None
        self._set_timer()
