"""What happened to one kind of object lately? A ring of changes that all watchers read.

A watcher has no queue: it remembers where it is in the ring, and one that is overtaken has to list
again. So a slow watcher costs nothing but its own place.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from ouranos.engine.apiserver.records import Record
from ouranos.kit.objects import Key

MAX_CHANGES = 1024
MAX_BYTES = 4 << 20

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


@dataclass(slots=True, eq=False)
class Change:
    """One committed write.

    Attributes:
        record: the object after it; of a deletion, its last state at the version of the deletion.
        previous: the object before it; None when it was made.
        lines: the change as watch lines, encoded once for all who see it alike.
    """

    type: str
    record: Record
    previous: Record | None
    lines: dict[tuple[str, bytes], bytes] = field(default_factory=dict[tuple[str, bytes], bytes])

    @property
    def version(self) -> int:
        """Give the resourceVersion that the change made."""
        return self.record.version

    @property
    def size(self) -> int:
        """Give roughly how many bytes the ring keeps alive for it."""
        previous = len(self.previous.tail) if self.previous else 0
        return len(self.record.tail) * 2 + previous


class History:
    """The latest changes of one kind of object, and who waits for the next one."""

    def __init__(self, floor: int) -> None:
        """Begin with nothing known before the version `floor`."""
        self.floor = floor
        self.closed = False
        self._changes: deque[Change] = deque()
        self._first = 0
        self._bytes = 0
        self._waiting: set[asyncio.Event] = set()

    @property
    def end(self) -> int:
        """Give the position after the newest change."""
        return self._first + len(self._changes)

    def add(self, change: Change) -> None:
        """Append a change, forget what no longer fits, and wake everybody."""
        self._changes.append(change)
        self._bytes += change.size
        while len(self._changes) > MAX_CHANGES or (
            self._bytes > MAX_BYTES and len(self._changes) > 1
        ):
            gone = self._changes.popleft()
            self._first += 1
            self._bytes -= gone.size
            self.floor = gone.version
        self.wake()

    def close(self) -> None:
        """End every watch."""
        self.closed = True
        self.wake()

    def wake(self) -> None:
        """Let every watcher look again."""
        for event in self._waiting:
            event.set()

    def position(self, version: int) -> int | None:
        """Give where the changes after a version begin; None when they are no longer all here."""
        if version < self.floor:
            return None
        position = self.end
        for change in reversed(self._changes):
            if change.version <= version:
                break
            position -= 1
        return position

    def since(self, position: int, limit: int) -> list[Change] | None:
        """Give up to `limit` changes from a position on; None when the ring has overtaken it."""
        if position < self._first:
            return None
        start = position - self._first
        if start == len(self._changes):
            return []
        return list(islice(self._changes, start, start + limit))

    def join(self) -> asyncio.Event:
        """Become one who is woken; pair with `leave`."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Be woken no more."""
        self._waiting.discard(event)

    @property
    def watchers(self) -> int:
        """Give how many watchers there are."""
        return len(self._waiting)

    def rewind(self, records: dict[Key, Record], version: int) -> bool:
        """Turn the present records into those of an earlier version; False if it is forgotten."""
        if version < self.floor:
            return False
        for change in reversed(self._changes):
            if change.version <= version:
                break
            if change.previous is None:
                records.pop(change.record.key, None)
            else:
                records[change.record.key] = change.previous
        return True


Hook = Callable[[str, Change], None]
