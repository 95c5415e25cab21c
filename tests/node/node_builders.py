"""Pods and records named after their states, for the node's unit tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ouranos.engine.node import lifecycle, records

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WORLD = "world-1"


def container(name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "ouranos.cloud/small:1", "command": ["run"], **more}


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod; `status` and `metadata` are merged into it, everything else into its spec."""
    metadata = {"name": "p", "namespace": "home", "uid": "u-1", **more.pop("metadata", {})}
    status = more.pop("status", {})
    spec = {"containers": list(containers or (container(),)), "nodeName": "n", **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def record(name: str = "main", **more: Any) -> records.Record:
    told: dict[str, Any] = {
        "id": f"{name}-{more.get('attempt', 0)}",
        "boot": "b",
        "role": records.Role.MAIN,
        "world": WORLD,
        "uid": "u-1",
        "container": name,
        "created": NOW,
        "started": NOW,
    }
    return records.Record(**{**told, **more})


def running(name: str = "main", **more: Any) -> records.Record:
    return record(name, phase=records.Phase.RUNNING, **more)


def ended(
    name: str = "main", code: int = 0, ago: float = 0, ran: float = 1, **more: Any
) -> records.Record:
    finished = NOW - timedelta(seconds=ago)
    return record(
        name,
        phase=records.Phase.EXITED,
        exit_code=code,
        reason=more.pop("reason", "Error" if code else "Completed"),
        finished=finished,
        started=finished - timedelta(seconds=ran),
        **more,
    )


def view(found: dict[str, Any], *attempts: records.Record, **more: Any) -> lifecycle.View:
    by_name: dict[str, list[records.Record]] = {}
    for one in attempts:
        by_name.setdefault(one.container, []).append(one)
    return lifecycle.View(
        pod=found, now=more.pop("now", NOW), world=WORLD, attempts=by_name, **more
    )
