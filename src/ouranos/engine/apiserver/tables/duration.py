"""How long ago was it? In the short words that kubectl prints; asked by the cells of tables."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def parsed(time: str) -> datetime:
    """Read a time as Kubernetes writes it, with or without parts of a second."""
    return datetime.fromisoformat(time).astimezone(UTC)


def since(time: str | None, now: datetime) -> str:
    """Say how long ago a time was."""
    if not time:
        return "<unknown>"
    return human((now - parsed(time)).total_seconds())


def between(start: str, end: str) -> str:
    """Say how long it is from one time to another."""
    return human((parsed(end) - parsed(start)).total_seconds())


def _two(seconds: int, large: int, large_word: str, small: int, small_word: str) -> str:
    rest = seconds % large // small
    whole = f"{seconds // large}{large_word}"
    return f"{whole}{rest}{small_word}" if rest else whole


def human(duration: float) -> str:
    """Say how long something is, with fewer parts the longer it is."""
    seconds = int(duration)
    if seconds < -1:
        return "<invalid>"
    for limit, text in (
        (2 * _MINUTE, lambda: f"{max(seconds, 0)}s"),
        (10 * _MINUTE, lambda: _two(seconds, _MINUTE, "m", 1, "s")),
        (3 * _HOUR, lambda: f"{seconds // _MINUTE}m"),
        (8 * _HOUR, lambda: _two(seconds, _HOUR, "h", _MINUTE, "m")),
        (2 * _DAY, lambda: f"{seconds // _HOUR}h"),
        (8 * _DAY, lambda: _two(seconds, _DAY, "d", _HOUR, "h")),
        (2 * _YEAR, lambda: f"{seconds // _DAY}d"),
        (8 * _YEAR, lambda: _two(seconds, _YEAR, "y", _DAY, "d")),
    ):
        if seconds < limit:
            return text()
    return f"{seconds // _YEAR}y"
