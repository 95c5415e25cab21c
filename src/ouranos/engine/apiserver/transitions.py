"""What of an update does the server itself change, because of what the object was before?

Asked once the update is complete, before it is checked. Kubernetes notes what the writer has
stated before it does this, so the books are kept of the update as it was.
"""

from collections.abc import Callable
from typing import Any, cast

from ouranos.engine.apiserver import fields
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.schema import servicechecks
from ouranos.kit import kinds
from ouranos.kit.objects import Object

_FAMILIES = ("ipFamilies", "ipFamilyPolicy")
_EXPOSED = frozenset({servicechecks.LOAD_BALANCER, servicechecks.NODE_PORT})


def prepare(resource: Resource, obj: Object, before: Object, subresource: str) -> Object:
    """Change an update in place, and give what the writer is to be noted for.

    What a door of status resets is nobody's to write there, so it is not noted either.
    """
    if subresource:
        reset = _RESETS.get(resource.storage) if subresource == "status" else None
        if reset is not None:
            reset(obj, before)
        return obj
    change = _CHANGES.get(resource.storage)
    if change is None:
        return obj
    stated = {name: dict(cast("Object", part)) if isinstance(part, dict) else part
              for name, part in obj.items()}  # fmt: skip
    change(obj, before)
    return stated


def _keep(obj: Object, before: Object, name: str) -> None:
    old: Any = before["metadata"].get(name)
    if old is None:
        obj["metadata"].pop(name, None)
    else:
        obj["metadata"][name] = old


def _deployment_status(obj: Object, before: Object) -> None:
    _keep(obj, before, "labels")


def _pod_status(obj: Object, before: Object) -> None:
    _keep(obj, before, "ownerReferences")
    quality = fields.text(before, "status", "qosClass")
    if quality and isinstance(obj.get("status"), dict):
        obj["status"].setdefault("qosClass", quality)


def _service(obj: Object, before: Object) -> None:
    """Keep the address that is not stated, and drop what the type of a Service no longer needs."""
    spec, old = fields.part(obj, "spec"), fields.part(before, "spec")
    kind, previous = spec.get("type"), old.get("type")
    if previous != servicechecks.EXTERNAL_NAME:
        _service_address(spec, old)
    if previous in _EXPOSED and kind not in _EXPOSED:
        _drop_node_ports(spec, old)
    if previous == servicechecks.LOAD_BALANCER != kind:
        _drop_unchanged(spec, old, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if servicechecks.is_reachable(old) and not servicechecks.is_reachable(spec):
        _drop_unchanged(spec, old, "externalTrafficPolicy")
    if kind == servicechecks.EXTERNAL_NAME:
        spec.pop("internalTrafficPolicy", None)
    if kind != servicechecks.LOAD_BALANCER:
        obj["status"] = {**fields.part(obj, "status"), "loadBalancer": {}}


def _service_address(spec: Object, old: Object) -> None:
    names = ("clusterIP", "clusterIPs")
    if spec.get("type") == servicechecks.EXTERNAL_NAME:
        _drop_unchanged(spec, {"ipFamilyPolicy": "SingleStack", **old}, *names, *_FAMILIES)
        return
    for name in names:
        if not spec.get(name) and old.get(name):
            spec[name] = old[name]


def _drop_unchanged(spec: Object, old: Object, *names: str) -> None:
    for name in names:
        if name in spec and spec[name] == old.get(name):
            del spec[name]


def _drop_node_ports(spec: Object, old: Object) -> None:
    def numbers(value: Object) -> list[Any]:
        return [each.get("nodePort") for each in fields.listed(value, "ports")]

    if numbers(spec) == numbers(old):
        ports = fields.listed(spec, "ports")
        spec["ports"] = [
            {key: value for key, value in each.items() if key != "nodePort"} for each in ports
        ]


_Change = Callable[[Object, Object], None]
_CHANGES: dict[str, _Change] = {"services": _service}
_RESETS: dict[str, _Change] = {
    kinds.DEPLOYMENT.qualified: _deployment_status,
    "pods": _pod_status,
}
