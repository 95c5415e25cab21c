"""Why can a container not start, and when is it tried again? Pure."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ouranos.engine.node import lifecycle, lookups, pulling, security, spec
from ouranos.kit import backoff, conditions, errors

_PULL: Final = backoff.Backoff(lifecycle.FIRST_BACKOFF, lifecycle.LONGEST_BACKOFF)
_RETRY: Final = backoff.Backoff(longest=60.0)


class Obstacle(NamedTuple):
    """What stands in a container's way."""

    problem: lifecycle.Problem
    event: str
    """The event's reason; empty when it has been told already."""


def of(error: Exception, now: datetime, failures: int) -> Obstacle:
    """Return what an error means for a container that has failed to start so many times."""
    message = conditions.bounded(str(error) or type(error).__name__)
    if isinstance(error, pulling.ImageError):
        retry_at = now + timedelta(seconds=_PULL.ceiling(failures))
        reason = "ErrImagePull" if failures == 1 else "ImagePullBackOff"
        return Obstacle(lifecycle.Problem(reason, message, retry_at), "")
    retry_at = now + timedelta(seconds=_RETRY.ceiling(failures))
    if _is_of_volumes(error):
        return Obstacle(lifecycle.Problem("ContainerCreating", message, retry_at), "FailedMount")
    return Obstacle(lifecycle.Problem("CreateContainerConfigError", message, retry_at), "Failed")


def _is_of_volumes(error: Exception) -> bool:
    if isinstance(error, lookups.Missing):
        return error.volume
    if isinstance(error, security.Refused | spec.Unusable):
        return False
    return isinstance(error, errors.OuranosError | OSError)
