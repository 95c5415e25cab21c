"""Are roles, bindings and network policies acceptable? Asked on every write.

The rules and words are those of Kubernetes' pkg/apis/{rbac,networking}/validation.
"""

from typing import Any

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import podchecks, workloadchecks
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]

_GROUP = "rbac.authorization.k8s.io"
_PROTOCOLS = ("SCTP", "TCP", "UDP")


def _rules(obj: Object, *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    for index, rule in enumerate(items(obj.get("rules"))):
        where = f"rules[{index}]"
        if not rule.get("verbs"):
            found.append(causes.required(f"{where}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            found += _paths(rule, f"{where}.nonResourceURLs", namespaced=namespaced)
            continue
        for key, word in (("apiGroups", "api group"), ("resources", "resource")):
            if not rule.get(key):
                detail = f"resource rules must supply at least one {word}"
                found.append(causes.required(f"{where}.{key}", detail))
    return found


def _paths(rule: Object, where: str, *, namespaced: bool) -> list[Cause]:
    paths = rule["nonResourceURLs"]
    if namespaced:
        detail = "namespaced rules cannot apply to non-resource URLs"
        return [causes.invalid(where, paths, detail)]
    if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        return [causes.invalid(where, paths, detail)]
    return []


def role(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Role."""
    del old
    return _rules(obj, namespaced=True)


def cluster_role(obj: Object, old: Object | None) -> list[Cause]:
    """Check a ClusterRole."""
    del old
    return _rules(obj, namespaced=False)


def _subject(one: Object, where: str, *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = [] if one.get("name") else [causes.required(f"{where}.name")]
    kind, group = one.get("kind"), one.get("apiGroup", "")
    if kind == "ServiceAccount":
        found += podchecks.one_of(group, ("",), f"{where}.apiGroup")
        if not namespaced and not one.get("namespace"):
            found.append(causes.required(f"{where}.namespace"))
        return found
    if kind in ("User", "Group"):
        return found + podchecks.one_of(group, (_GROUP,), f"{where}.apiGroup")
    return found + podchecks.one_of(kind, ("Group", "ServiceAccount", "User"), f"{where}.kind")


def _binding(
    obj: Object, old: Object | None, kinds: tuple[str, ...], *, namespaced: bool
) -> list[Cause]:
    reference = part(obj, "roleRef") or {}
    found = podchecks.one_of(reference.get("apiGroup"), (_GROUP,), "roleRef.apiGroup")
    found += podchecks.one_of(reference.get("kind"), kinds, "roleRef.kind")
    if not reference.get("name"):
        found.append(causes.required("roleRef.name"))
    for index, one in enumerate(items(obj.get("subjects"))):
        found += _subject(one, f"subjects[{index}]", namespaced=namespaced)
    if old is not None and reference != part(old, "roleRef"):
        found.append(causes.invalid("roleRef", reference, "cannot change roleRef"))
    return found


def role_binding(obj: Object, old: Object | None) -> list[Cause]:
    """Check a RoleBinding."""
    return _binding(obj, old, ("ClusterRole", "Role"), namespaced=True)


def cluster_role_binding(obj: Object, old: Object | None) -> list[Cause]:
    """Check a ClusterRoleBinding."""
    return _binding(obj, old, ("ClusterRole",), namespaced=False)


def _ports(rule: Object, where: str) -> list[Cause]:
    found: list[Cause] = []
    for index, one in enumerate(items(rule.get("ports"))):
        here = f"{where}.ports[{index}]"
        found += podchecks.one_of(one.get("protocol"), _PROTOCOLS, f"{here}.protocol")
        port, end = one.get("port"), one.get("endPort")
        if port is not None:
            found += podchecks.port(port, f"{here}.port")
        if end is None:
            continue
        if port is None:
            detail = "may not be specified when `port` is not specified"
            found.append(causes.invalid(f"{here}.endPort", end, detail))
        elif isinstance(port, str):
            detail = "may not be specified when `port` is non-numeric"
            found.append(causes.invalid(f"{here}.endPort", end, detail))
        elif end < port:
            detail = "must be greater than or equal to `port`"
            found.append(causes.invalid(f"{here}.endPort", port, detail))
    return found


def _peers(rule: Object, key: str, where: str) -> list[Cause]:
    found: list[Cause] = []
    for index, one in enumerate(items(rule.get(key))):
        here = f"{where}.{key}[{index}]"
        named = [name for name in ("podSelector", "namespaceSelector") if name in one]
        for name in named:
            found += workloadchecks.selector(part(one, name) or {}, f"{here}.{name}")
        if "ipBlock" in one and not (part(one, "ipBlock") or {}).get("cidr"):
            found.append(causes.required(f"{here}.ipBlock.cidr"))
        if not named and "ipBlock" not in one:
            found.append(causes.required(here, "must specify a peer"))
        elif named and "ipBlock" in one:
            detail = "may not specify both ipBlock and another peer"
            found.append(causes.forbidden(here, detail))
    return found


def network_policy(obj: Object, old: Object | None) -> list[Cause]:
    """Check a NetworkPolicy."""
    del old
    spec = part(obj, "spec") or {}
    found = workloadchecks.selector(part(spec, "podSelector") or {}, "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(items(spec.get(direction))):
            where = f"spec.{direction}[{index}]"
            found += _ports(rule, where) + _peers(rule, peers, where)
    for index, kind in enumerate(spec.get("policyTypes") or ()):
        found += podchecks.one_of(kind, ("Egress", "Ingress"), f"spec.policyTypes[{index}]")
    return found
