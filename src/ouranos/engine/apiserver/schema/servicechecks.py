"""Is a Service acceptable? Asked on every write of one.

The rules and words are those of Kubernetes' own validation (pkg/apis/core/validation). A Service
whose clusterIP is not stated has an address in Kubernetes, which nobody may take from it.
"""

from typing import Any, Final

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import metadata, podchecks
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]

EXTERNAL_NAME: Final = "ExternalName"
LOAD_BALANCER: Final = "LoadBalancer"
NODE_PORT: Final = "NodePort"
_TYPES = ("ClusterIP", EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT)
_BALANCED = ("allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges")
_ADDRESSED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_LONGEST_AFFINITY = 86_400


def is_reachable(spec: Object) -> bool:
    """Whether others than pods reach a Service by an address."""
    return spec.get("type") in {LOAD_BALANCER, NODE_PORT} or bool(spec.get("externalIPs"))


def check(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Service."""
    spec = part(obj, "spec") or {}
    kind, ports = spec.get("type"), items(spec.get("ports"))
    found: list[Cause] = []
    if not ports and kind != EXTERNAL_NAME and spec.get("clusterIP") != "None":
        found.append(causes.required("spec.ports"))
    found += podchecks.one_of(kind, _TYPES, "spec.type")
    found += _address(spec, part(old or {}, "spec"))
    found += _affinity(spec)
    found += _traffic(spec)
    if spec.get("selector"):
        found += metadata.labels(spec["selector"], "spec.selector")
    return found + _ports(ports)


def made_by_status(obj: Object) -> list[Cause]:
    """Check what an update of a status that is not there makes: nobody completes its addresses."""
    spec = part(obj, "spec") or {}
    portless = not items(spec.get("ports")) and spec.get("type") != EXTERNAL_NAME
    found = [causes.required("spec.ports")] if portless else []
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        found.append(causes.required("spec.clusterIPs"))
    return found


def status(obj: Object) -> list[Cause]:
    """Check what a status says of the addresses of a load balancer."""
    balancer = part(part(obj, "status") or {}, "loadBalancer") or {}
    if balancer.get("ingress") and (part(obj, "spec") or {}).get("type") != LOAD_BALANCER:
        detail = "may only be used when `spec.type` is 'LoadBalancer'"
        return [causes.forbidden("status.loadBalancer.ingress", detail)]
    return []


def _address(spec: Object, before: Object | None) -> list[Cause]:
    """Check the name or address under which a Service is reached, and that it stays."""
    kind, address = spec.get("type"), spec.get("clusterIP") or ""
    where = "spec.clusterIPs[0]"
    if kind == EXTERNAL_NAME:
        return _external_name(spec)
    if kind in {LOAD_BALANCER, NODE_PORT} and address == "None":
        detail = f"may not be set to 'None' for {kind} services"
        return [causes.invalid(where, address, detail)]
    if before is None or before.get("type") == EXTERNAL_NAME:
        return []
    fixed = before.get("clusterIP") or ""
    if address != fixed and (fixed or address == "None"):
        return [causes.invalid(where, [address] if address else [], "may not change once set")]
    return []


def _external_name(spec: Object) -> list[Cause]:
    detail = "may not be set for ExternalName services"
    found = [causes.forbidden(f"spec.{key}", detail) for key in _ADDRESSED if spec.get(key)]
    name: str = (spec.get("externalName") or "").removesuffix(".")
    where = "spec.externalName"
    if not name:
        return [*found, causes.required(where)]
    return found + [causes.invalid(where, name, text) for text in metadata.subdomain(name)]


def _affinity(spec: Object) -> list[Cause]:
    kind, where = spec.get("sessionAffinity"), "spec.sessionAffinityConfig"
    found = podchecks.one_of(kind, ("ClientIP", "None"), "spec.sessionAffinity")
    config = part(spec, "sessionAffinityConfig")
    if kind == "None" and config is not None:
        detail = "must not be set when session affinity is None"
        found.append(causes.forbidden(where, detail))
    elif kind == "ClientIP":
        client = part(config or {}, "clientIP") or {}
        seconds = client.get("timeoutSeconds")
        if seconds is None:
            found.append(causes.required(f"{where}.clientIP.timeoutSeconds"))
        elif not 0 < seconds <= _LONGEST_AFFINITY:
            detail = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
            found.append(causes.invalid(f"{where}.clientIP.timeoutSeconds", seconds, detail))
    return found


def _traffic(spec: Object) -> list[Cause]:
    found: list[Cause] = []
    inside, outside = spec.get("internalTrafficPolicy"), spec.get("externalTrafficPolicy")
    policies = ("Cluster", "Local")
    if inside is not None:
        found += podchecks.one_of(inside, policies, "spec.internalTrafficPolicy")
    if outside is not None:
        where = "spec.externalTrafficPolicy"
        found += podchecks.one_of(outside, policies, where)
        if not is_reachable(spec):
            detail = "may only be set for externally-accessible services"
            found.append(causes.invalid(where, outside, detail))
    if spec.get("type") != LOAD_BALANCER:
        stated = [key for key in _BALANCED if spec.get(key) is not None]
        found += [causes.forbidden(f"spec.{key}", _ONLY_BALANCED) for key in stated]
    if spec.get("type") == "ClusterIP":
        detail = "may not be used when `type` is 'ClusterIP'"
        found += [
            causes.forbidden(f"spec.ports[{index}].nodePort", detail)
            for index, one in enumerate(items(spec.get("ports")))
            if one.get("nodePort")
        ]
    return found


def _ports(ports: list[Object]) -> list[Cause]:
    found: list[Cause] = []
    names: set[str] = set()
    used: set[Any] = set()
    for index, one in enumerate(ports):
        where = f"spec.ports[{index}]"
        _port(one, where, names, found, named=len(ports) > 1)
        key = (one.get("protocol"), one.get("port"))
        if key in used:
            value = {"port": one.get("port"), "protocol": one.get("protocol")}
            found.append(causes.duplicate(where, value))
        used.add(key)
    return found


def _port(one: Object, field: str, names: set[str], found: list[Cause], *, named: bool) -> None:
    name = one.get("name")
    if name:
        where = f"{field}.name"
        found += [causes.invalid(where, name, text) for text in metadata.label(name)]
        if name in names:
            found.append(causes.duplicate(where, name))
        names.add(name)
    elif named:
        found.append(causes.required(f"{field}.name"))
    found += podchecks.port_number(one.get("port", 0), f"{field}.port")
    found += podchecks.one_of(one.get("protocol"), ("SCTP", "TCP", "UDP"), f"{field}.protocol")
    found += podchecks.port(one.get("targetPort", 0), f"{field}.targetPort")
