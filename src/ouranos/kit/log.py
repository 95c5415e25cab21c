"""How does Ouranos log? JSON for machines, lines for people; keys are bound once per pass."""

import logging
import sys
from typing import Literal, TextIO

import structlog

Level = Literal["debug", "info", "warning"]


def configure(
    level: Level = "info", *, json: bool | None = None, stream: TextIO | None = None
) -> None:
    """Decide once per process what is logged, how and where to.

    Args:
        level: the lowest level that is kept.
        json: one JSON document per line; by default where the stream is no terminal.
        stream: standard error by default.
    """
    target: TextIO = stream or sys.stderr
    as_json = not target.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=True,
    )


def get(**bound: object) -> structlog.typing.FilteringBoundLogger:
    """Return a logger with keys bound to it; it may be made before `configure` is called."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**bound)
    return logger
