"""Which of several processes acts? The one that holds a Lease; asked by `ouranos.cluster`.

Clocks of different machines are never compared: who waits measures by his own clock for how long a
Lease has not been renewed, and who holds it counts from before his last renewal was sent, and less.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from ouranos.kit import cluster, conditions, effects, errors, kinds, log, objects, seams
from ouranos.kit.objects import Object

_JITTER: Final = 0.2

_log = log.get(component="lease")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long what lasts, in seconds.

    Attributes:
        duration: so long a Lease must not have been renewed until another may take it.
        renewal: how often the holder renews it.
        look: how often another looks whether it is free.
        margin: so long before another may take it the holder sends nothing any more; what he sent
            before must have arrived by then, or never arrive.
        answer: how long an answer is waited for before it is tried again.
        longest: how long another waits at most before he looks again, where nobody answers.
    """

    duration: float = 15.0
    renewal: float = 2.0
    look: float = 1.0
    margin: float = 5.0
    answer: float = 4.0
    longest: float = 5.0


class Term:
    """One time of holding a Lease: a fence that is shut once, and never opened again."""

    def __init__(self, clock: seams.Clock, until: float) -> None:
        """Begin.

        Args:
            clock: whose monotonic seconds count.
            until: when the proof ends, unless it is renewed.
        """
        self._clock = clock
        self._until = until
        self._shut = False

    @property
    def holds(self) -> bool:
        """Whether it is proved that nobody else may hold the Lease now."""
        return not self._shut and self._clock.monotonic() < self._until

    @property
    def left(self) -> float:
        """The seconds for which that is proved."""
        return 0.0 if self._shut else max(0.0, self._until - self._clock.monotonic())

    def prove(self) -> None:
        """Return if changes may be sent now.

        Raises:
            effects.FencedError: the Lease is given up, or may be somebody else's.
        """
        if not self.holds:
            # Once it could not be proved, nobody may rely on what was read before.
            self._shut = True
            raise effects.FencedError("this process does not hold the Lease any more")

    def renewed(self, until: float) -> None:
        """Take in a proof."""
        self._until = until

    def shut(self) -> None:
        """Let nothing pass any more."""
        self._shut = True


class Elector:
    """Takes, keeps and gives back one Lease in the name of this process."""

    def __init__(
        self,
        source: cluster.Cluster,
        given: seams.Seams,
        place: objects.Key,
        host: str,
        timing: Timing | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            source: the API; what it is sent here passes no fence.
            given: clock and chance.
            place: namespace and name of the Lease.
            host: what a person knows this process by: the pod's name.
            timing: how long what lasts.
        """
        self._source: Final = source
        self._clock: Final = given.clock
        self._random: Final = given.random
        self._place: Final = place
        self.identity: Final = f"{host}_{given.random.getrandbits(64):016x}"
        self.timing: Final = timing or Timing()
        self._lease: Object | None = None
        self._seen: tuple[object, ...] = ()
        self._seen_at = 0.0
        self._is_orphaned = False
        self.answered_at = given.clock.monotonic()
        """When the API has last told of the Lease, by the monotonic clock."""

    @property
    def lease(self) -> Object | None:
        """The Lease, as it was last seen."""
        return self._lease

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as is known; empty if nobody."""
        return str(objects.mapping(self._lease or {}, "spec").get("holderIdentity") or "")

    async def acquire(self) -> Term:
        """Return a term as soon as the Lease is ours; what the API refuses is tried again."""
        told = ""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self.timing.answer):
                    term = await self._try_to_take()
            except (errors.Transient, TimeoutError) as error:
                failures += 1
                news = f"failing: {str(error) or 'no answer'}"
            else:
                failures = 0
                if term is not None:
                    _log.info("Taking the Lease", identity=self.identity)
                    return term
                news = f"held by {self.holder or 'nobody'}"
            if news != told:
                told = news
                _log.info("Waiting for the Lease", state=news)
            pause = min(self.timing.look * (1 + failures), self.timing.longest)
            await self._clock.sleep(self._spread(pause))

    async def keep(self, term: Term) -> None:
        """Renew the Lease; return when it is lost, or cannot be proved to be ours any more."""
        pause = self.timing.renewal
        while term.holds:
            await self._clock.sleep(min(self._spread(pause), term.left))
            try:
                async with asyncio.timeout(self.timing.answer):
                    ours = await self._renew(term)
            except (errors.Transient, TimeoutError) as error:
                _log.warning("Failing to renew the Lease", error=str(error) or "no answer")
                pause = self.timing.renewal / 2
                continue
            if not ours:
                _log.warning("Losing the Lease", holder=self.holder)
                break
            pause = self.timing.renewal
        term.shut()

    async def release(self, term: Term) -> None:
        """Give the Lease back, so that another need not wait; MUST come after the last change."""
        held = term.holds
        term.shut()
        if not held or self._lease is None:
            return
        try:
            async with asyncio.timeout(self.timing.answer):
                await self._give_back(self._lease)
        except (errors.Transient, TimeoutError) as error:
            _log.warning("Failing to give the Lease back", error=str(error) or "no answer")

    async def _give_back(self, lease: Object) -> None:
        # The shortest time that the API takes; nobody waits for it, for there is no holder.
        try:
            await self._source.replace({**lease, "spec": self._spec(holder="", seconds=1)})
        except errors.Conflict:
            # A renewal was on its way.
            now = await self._look()
            if now is not None and self.holder == self.identity:
                await self._source.replace({**now, "spec": self._spec(holder="", seconds=1)})

    async def _try_to_take(self) -> Term | None:
        lease = await self._look()
        if self._is_somebodys(lease):
            return None
        # Counted from before it is sent: another sees it later than that, and waits from then on.
        asked = self._clock.monotonic()
        try:
            await self._write(lease, new=True)
        except (errors.Conflict, errors.AlreadyExists):
            return None
        return Term(self._clock, asked + self._proven)

    async def _renew(self, term: Term) -> bool:
        asked = self._clock.monotonic()
        try:
            await self._write(self._lease, new=False)
        except (errors.Conflict, errors.NotFound):
            # An answer was lost, or somebody else has written: what does it say now?
            lease = await self._look()
            if lease is None or self.holder != self.identity:
                return False
            asked = self._clock.monotonic()
            await self._write(lease, new=False)
        if not term.holds:
            return False
        term.renewed(asked + self._proven)
        return True

    @property
    def _proven(self) -> float:
        return self.timing.duration - self.timing.margin

    async def _look(self) -> Object | None:
        found = await self._source.get(kinds.LEASE, self._place.name, self._place.namespace)
        self._take_in(found)
        return found

    def _take_in(self, lease: Object | None) -> None:
        self._lease = lease
        self.answered_at = self._clock.monotonic()
        spec = objects.mapping(lease or {}, "spec")
        seen = tuple(spec.get(name) for name in ("holderIdentity", "renewTime", "acquireTime"))
        if seen != self._seen:
            # Who held a Lease that somebody deleted acts until he learns of it.
            self._is_orphaned = lease is None and any(self._seen[:1])
            self._seen, self._seen_at = seen, self.answered_at

    def _is_somebodys(self, lease: Object | None) -> bool:
        spec = objects.mapping(lease or {}, "spec")
        if not spec.get("holderIdentity") and not self._is_orphaned:
            return False
        seconds = max(float(spec.get("leaseDurationSeconds") or 0), self.timing.duration)
        return self._clock.monotonic() < self._seen_at + seconds

    async def _write(self, lease: Object | None, *, new: bool) -> None:
        if lease is None:
            written = await self._source.create(
                {
                    "apiVersion": kinds.LEASE.api_version,
                    "kind": kinds.LEASE.kind,
                    "metadata": {"name": self._place.name, "namespace": self._place.namespace},
                    "spec": self._spec(acquired=True),
                }
            )
        else:
            changed = new and objects.mapping(lease, "spec").get("holderIdentity") != self.identity
            spec = self._spec(acquired=new, transition=changed)
            written = await self._source.replace({**lease, "spec": spec})
        self._take_in(written)

    def _spec(
        self,
        *,
        holder: str | None = None,
        seconds: int | None = None,
        acquired: bool = False,
        transition: bool = False,
    ) -> Object:
        before = objects.mapping(self._lease or {}, "spec")
        now = conditions.micro_timestamp(self._clock.now())
        return {
            **before,
            "holderIdentity": self.identity if holder is None else holder,
            "leaseDurationSeconds": seconds or int(self.timing.duration),
            "renewTime": now,
            "acquireTime": now if acquired else before.get("acquireTime") or now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + transition,
        }

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + self._random.uniform(-_JITTER, _JITTER))
