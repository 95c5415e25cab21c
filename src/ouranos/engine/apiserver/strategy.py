"""What does the server itself put into objects of a kind? Asked on create and update."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ouranos.engine.apiserver import definition, failure, fields
from ouranos.engine.apiserver.resources import Registry, Resource
from ouranos.engine.apiserver.schema import cause, formats, servicechecks
from ouranos.engine.apiserver.store import Store
from ouranos.kit import kinds
from ouranos.kit.objects import Key, Object

_CLASSES = kinds.PRIORITY_CLASS.qualified
_CLASS_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}
RETURNS_DELETED = frozenset(
    {
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "serviceaccounts",
        "services",
    }
)
"""The kinds whose deletion answers with the object instead of a Status."""

MADE_BY_UPDATE = frozenset(
    {
        "events",
        "services",
        kinds.LEASE.qualified,
        kinds.ROLE.qualified,
        kinds.ROLE_BINDING.qualified,
        kinds.CLUSTER_ROLE.qualified,
        kinds.CLUSTER_ROLE_BINDING.qualified,
    }
)
"""The kinds whose objects an update makes where there are none."""

ORPHANS_BY_DEFAULT = frozenset({kinds.JOB.qualified})
"""The kinds whose dependents stay when nobody says what should happen to them."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a strategy may look at."""

    store: Store
    registry: Registry
    time: str


def _namespace(obj: Object, _: Context) -> None:
    obj["spec"] = {"finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}
    labels = obj["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _requests(container: Object) -> tuple[Object, Object]:
    resources: Object = container.get("resources") or {}
    return resources.get("requests") or {}, resources.get("limits") or {}


def quality(spec: Object) -> str:
    """Give the quality-of-service class of a pod."""
    containers: list[Object] = [*spec.get("containers", []), *spec.get("initContainers", [])]
    pairs = [_requests(each) for each in containers]
    if not any(requests or limits for requests, limits in pairs):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= limits.keys()
        and all(requests.get(name, limit) == limit for name, limit in limits.items())
        for requests, limits in pairs
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _pod(obj: Object, context: Context) -> None:
    spec: Object = obj["spec"]
    obj["status"] = {"phase": "Pending", "qosClass": quality(spec)}
    name: str = spec.get("priorityClassName", "")
    chosen = _priority(name, context.store)
    if chosen is not None:
        spec["priority"] = chosen
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    for container in (*spec.get("containers", []), *spec.get("initContainers", [])):
        _default_requests(container)


def _default_requests(container: Object) -> None:
    """Let a limit that has no request of its own be one."""
    resources: Object = container.get("resources") or {}
    limits: Object = resources.get("limits") or {}
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _priority(name: str, store: Store) -> int | None:
    if not name:
        return 0
    if name in _CLASS_PRIORITIES:
        return _CLASS_PRIORITIES[name]
    record = store.latest(_CLASSES, Key("", name))
    if record is None:
        raise failure.forbidden("pods", "", f"no PriorityClass with name {name} was found")
    return record.decode(b"{" + b'"kind":"PriorityClass"')["value"]


def _job(obj: Object, _: Context) -> None:
    metadata, spec = obj["metadata"], obj["spec"]
    template = spec["template"].setdefault("metadata", {})
    labels = {
        "batch.kubernetes.io/controller-uid": metadata["uid"],
        "batch.kubernetes.io/job-name": metadata["name"],
        "controller-uid": metadata["uid"],
        "job-name": metadata["name"],
    }
    if not spec.get("manualSelector"):
        template["labels"] = {**template.get("labels", {}), **labels}
        name = "batch.kubernetes.io/controller-uid"
        spec["selector"] = {"matchLabels": {name: labels[name]}}
    obj["status"] = {}


def _claim(obj: Object, _: Context) -> None:
    obj["status"] = {"phase": "Pending"}


def _service(obj: Object, _: Context) -> None:
    if obj["spec"].get("type") == servicechecks.EXTERNAL_NAME:
        obj["spec"].pop("internalTrafficPolicy", None)
    obj["status"] = {"loadBalancer": {}}


def _status(obj: Object, _: Context) -> None:
    obj["status"] = {}


def normalise(resource: Resource, obj: Object) -> None:
    """Bring an object that was just read into the form in which it is kept."""
    if resource.storage != "secrets":
        return
    texts = fields.part(obj, "stringData")
    if all(isinstance(text, str) for text in texts.values()):
        obj.pop("stringData", None)
    if texts and "stringData" not in obj:
        given = fields.part(obj, "data")
        encoded = {
            name: _base64(text)
            for name, text in texts.items()
            if name not in given or formats.is_base64(given[name])
        }
        obj["data"] = {**given, **encoded}


def _definition(obj: Object, context: Context) -> None:
    spec = obj["spec"]
    other = context.registry.of_group_kind(spec["group"], spec["names"]["kind"])
    taken = other is not None and other.storage != obj["metadata"]["name"]
    definition.complete(obj, context.time, taken=taken)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_CREATE: dict[str, Callable[[Object, Context], None]] = {
    "namespaces": _namespace,
    "pods": _pod,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _claim,
    "services": _service,
    "nodes": _status,
    kinds.DEPLOYMENT.qualified: _status,
    kinds.REPLICA_SET.qualified: _status,
    kinds.STATEFUL_SET.qualified: _status,
    kinds.DAEMON_SET.qualified: _status,
    kinds.CRON_JOB.qualified: _status,
    kinds.JOB.qualified: _job,
    kinds.CUSTOM_RESOURCE_DEFINITION.qualified: _definition,
}


_UPDATE: dict[str, Callable[[Object, Context], None]] = {
    kinds.CUSTOM_RESOURCE_DEFINITION.qualified: _definition,
}


def causes(
    resource: Resource, obj: Object, before: Object | None, subresource: str
) -> list[cause.Cause]:
    """Say what is wrong with a valid object that its schema cannot say."""
    if resource.storage == kinds.CUSTOM_RESOURCE_DEFINITION.qualified:
        return definition.check(obj)
    if resource.storage == "services":
        if before is not None:
            return servicechecks.status(obj)
        return servicechecks.made_by_status(obj) if subresource == "status" else []
    return []


def on_create(resource: Resource, obj: Object, context: Context) -> None:
    """Complete a new, valid object."""
    complete = _CREATE.get(resource.storage)
    if complete is not None:
        complete(obj, context)


def on_update(resource: Resource, obj: Object, context: Context) -> None:
    """Complete a changed, valid object."""
    complete = _UPDATE.get(resource.storage)
    if complete is not None:
        complete(obj, context)


def grace(resource: Resource, obj: Object, asked: int | None) -> int | None:
    """Give how many seconds an object has to end; None when its kind knows no grace."""
    if resource.storage != "pods":
        return None
    spec: Object = obj["spec"]
    period: Any = asked if asked is not None else spec.get("terminationGracePeriodSeconds", 30)
    phase = fields.text(obj, "status", "phase")
    if not spec.get("nodeName") or phase in {"Succeeded", "Failed"}:
        return 0
    return 1 if period < 0 else int(period)
