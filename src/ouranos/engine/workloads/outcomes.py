"""How does a workload say when it must be looked at again? Engine objects have no waits to tell."""

from datetime import timedelta

from ouranos.kit import outcome


def again(*waits: timedelta | None) -> outcome.Outcome:
    """Return an outcome that is done, and due again at the soonest of the waits that are given."""
    return outcome.Outcome(again_in=min((wait for wait in waits if wait is not None), default=None))
