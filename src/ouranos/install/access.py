"""Who may do what? The controllers' roles, made from their calls, and those that people get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ouranos import services
from ouranos.install import calls, order
from ouranos.kit import kinds
from ouranos.kit.objects import Object

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]


def plurals() -> list[str]:
    """The plural of every kind of ours."""
    return sorted(one.name.plural for one in services.KNOWN.kinds.values())


def rules(made: Iterable[calls.Call]) -> list[Object]:
    """The rules of a role that allows these calls and nothing else."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for call in made:
        for resource in resources(call.resource):
            verbs.setdefault((call.group, resource), set()).add(call.verb)
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), allowed in sorted(verbs.items()):
        together.setdefault((group, tuple(sorted(allowed))), []).append(resource)
    return [
        {"apiGroups": [group], "resources": named, "verbs": list(allowed)}
        for (group, allowed), named in sorted(together.items(), key=lambda one: one[0][0])
    ]


def resources(resource: str) -> Iterator[str]:
    """What a call's resource stands for: itself, or that of every service."""
    name, slash, subresource = resource.partition("/")
    if name != calls.SERVICES:
        yield resource
        return
    for page in services.KNOWN.pages:
        yield f"{page.kind.plural}{slash}{subresource}"


def own_rules(made: Iterable[calls.Call]) -> list[Object]:
    """The rules for the controllers' own namespace: their Lease, by its name."""
    result: list[Object] = []
    for rule in rules(made):
        # What is created has no name yet when the rule is looked at.
        new = [verb for verb in rule["verbs"] if verb == "create"]
        named = [verb for verb in rule["verbs"] if verb != "create"]
        if new:
            result.append({**rule, "verbs": new})
        if named:
            result.append({**rule, "resourceNames": [order.NAME], "verbs": named})
    return result


def of_controllers(wanted: order.Order) -> list[Object]:
    """The controllers' account, and what it may do."""
    made = calls.known()
    labels = wanted.labels(order.NAME)
    subject = {"kind": "ServiceAccount", "name": order.NAME, "namespace": wanted.namespace}
    here: Object = {"name": order.NAME, "namespace": wanted.namespace, "labels": labels}
    everywhere: Object = {"name": order.NAME, "labels": labels}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": here,
            "automountServiceAccountToken": False,
        },
        {
            "apiVersion": kinds.CLUSTER_ROLE.api_version,
            "kind": "ClusterRole",
            "metadata": everywhere,
            "rules": rules(call for call in made if not call.own),
        },
        _binding("ClusterRoleBinding", everywhere, "ClusterRole", subject),
        {
            "apiVersion": kinds.ROLE.api_version,
            "kind": "Role",
            "metadata": here,
            "rules": own_rules(call for call in made if call.own),
        },
        _binding("RoleBinding", here, "Role", subject),
    ]


def _binding(kind: str, metadata: Object, role: str, subject: Object) -> Object:
    return {
        "apiVersion": kinds.ROLE.api_version,
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": kinds.RBAC, "kind": role, "name": order.NAME},
        "subjects": [subject],
    }


def of_people(wanted: order.Order) -> list[Object]:
    """Roles for our kinds, which the cluster's own roles `view`, `edit` and `admin` take in.

    `admin` takes in `edit`, and `edit` takes in `view`, so one label is enough for each.
    """
    return [
        _role(wanted, "ouranos-view", "view", plurals(), _READ),
        _role(wanted, "ouranos-edit", "edit", plurals(), _WRITE),
    ]


def _role(
    wanted: order.Order, name: str, into: str, over: Sequence[str], verbs: Sequence[str]
) -> Object:
    labels = {**wanted.labels(name), f"{kinds.RBAC}/aggregate-to-{into}": "true"}
    rule = {"apiGroups": [kinds.GROUP], "resources": list(over), "verbs": list(verbs)}
    return {
        "apiVersion": kinds.CLUSTER_ROLE.api_version,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels, "annotations": dict(order.KEPT)},
        "rules": [rule],
    }
