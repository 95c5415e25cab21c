"""What does a controller declare? Written by its author, read by the loop that runs it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from ouranos.kit import cache, outcome, passes
from ouranos.kit.objects import Key, Kind, Object


def _everything(_obj: Object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind whose events name objects of the controller's own kind."""

    kind: Kind
    keys: Callable[[Object, cache.Cache], Iterable[Key]]
    """Given an object as it was or is, return the keys to look at. Pure, and run at every event."""


@dataclass(frozen=True, slots=True)
class Controller:
    """How objects of one kind are made true.

    `reconcile` MUST be level-based: it looks, and does what is missing; it may be called at any
    time, and again after a crash at any await. It is called for an object with a deletionTimestamp
    too, and never for one that is gone. A pass's own write of its status does not wake it: what
    must be looked at again belongs in the outcome.
    """

    name: str
    kind: Kind
    reconcile: Callable[[passes.Pass], Awaitable[outcome.Outcome]]
    owns: tuple[Kind, ...] = ()
    """Kinds of objects it makes; an event of one names the controlling owner."""
    watches: tuple[Watch, ...] = ()
    reads: tuple[Kind, ...] = ()
    """Further kinds that passes find in the cache; their events wake nobody."""
    optional: tuple[Kind, ...] = ()
    """Those of all these kinds that the server may not know: somebody else's operator brings them.
    `Cache.serves` tells; all objects are looked at when a kind comes or goes."""
    wants: Callable[[Object], bool] = _everything
    """Whether an object of `kind` concerns it at all; what it does not want it never looks at."""
    workers: int = 4
    """Passes at once; never two over one object."""
    resync: timedelta = timedelta(minutes=10)
    """When an object is looked at again, should an event have been missed; where there are many,
    settled ones wait longer."""
    deadline: timedelta = timedelta(minutes=10)
    """When a pass that does not come back is given up, as a transient failure."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every kind that must be reflected before the first pass."""
        watched = tuple(watch.kind for watch in self.watches)
        return tuple(dict.fromkeys((self.kind, *self.owns, *watched, *self.reads)))
