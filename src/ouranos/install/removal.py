"""How does Ouranos leave a cluster? All of it goes but data, which is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from ouranos.install import manifests, order, plan, preflight, rights, trouble, waiting, work
from ouranos.kit import cluster, kinds, objects, seams
from ouranos.kit.objects import Kind, Object

_OF_THE_CLUSTER: Final = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "default"})
"""What Kubernetes itself puts into every namespace."""
_STAY: Final = (
    kinds.NAMESPACE,
    kinds.PRIORITY_CLASS,
    kinds.CUSTOM_RESOURCE_DEFINITION,
)
"""What the pods and objects of clouds need."""
_CONTENT: Final = (
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.SECRET,
    kinds.CONFIG_MAP,
    kinds.SERVICE_ACCOUNT,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.DAEMON_SET,
    kinds.JOB,
    kinds.CRON_JOB,
)
"""In what of these somebody has something in a namespace, the namespace stays."""
_PEOPLE: Final = frozenset({"ouranos-view", "ouranos-edit"})
_MADE_BY_CLOUDS: Final = "app.kubernetes.io/managed-by=ouranos"
_SERVERS: Final = "app.kubernetes.io/component=server"


@dataclass(frozen=True, slots=True)
class Left:
    """Data that stays in the cluster."""

    kind: Kind
    key: objects.Key
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.key}" + (f" ({self.detail})" if self.detail else "")


async def planned(
    source: cluster.Cluster, wanted: order.Order, *, controllers_only: bool = False
) -> plan.Plan:
    """Look at a cluster and plan the removal; nothing is changed.

    Raises:
        trouble.RefusedError: something in the cluster still needs what would go.
    """
    place = wanted.namespace
    looking = [right for kind in manifests.KINDS for right in rights.to(kind, "get", "list")]
    looking += rights.to(kinds.PERSISTENT_VOLUME_CLAIM, "list")
    looking += rights.to(kinds.SECRET, "list")
    looking += rights.to(kinds.LEASE, "get", namespace=place)
    looking += rights.to(kinds.POD, "list", namespace=place)
    await rights.check(source, looking)
    if (places := await preflight.places(source)) and place not in places:
        there = " and ".join(sorted(places))
        said = f"Ouranos is installed in namespace {there}, not in {place}"
        raise trouble.RefusedError([trouble.Trouble(said, f"say --namespace {there}")])
    definitions = await plan.ours(source, kinds.CUSTOM_RESOURCE_DEFINITION, place)
    if not controllers_only:
        used = [one async for one in _users(source, definitions, place)]
        if used:
            raise trouble.RefusedError(used)
    rows = [one async for one in _rows(source, wanted, controllers_only=controllers_only)]
    lease = await source.get(kinds.LEASE, order.NAME, place)
    if lease is not None:
        rows.insert(1, _removed(kinds.LEASE, lease))
    needed = [
        right
        for row in rows
        if row.action == plan.Action.REMOVE
        for right in rights.to(row.kind, "delete", namespace=row.key.namespace)
    ]
    await rights.check(source, needed)
    return plan.Plan(wanted, tuple(rows))


async def _users(
    source: cluster.Cluster, definitions: Sequence[Object], place: str
) -> AsyncIterator[trouble.Trouble]:
    """Clouds first: what else there is goes with them, as long as there are controllers."""
    here = f"--namespace {place}"
    before = instead = ""
    if await source.get(kinds.DEPLOYMENT, order.NAME, place) is None:
        before = f"ouranos install {here}, for only controllers end it; then "
    else:
        instead = (
            f"; or ouranos uninstall {here} --controllers-only, and everything runs on unattended"
        )
    found: list[tuple[Object, Object]] = []
    for definition in definitions:
        found += [(definition, one) for one in await plan.every(source, definition)]
    clouds = [pair for pair in found if pair[1]["kind"] == kinds.CLOUD.kind]
    for definition, one in clouds or found:
        name, where = one["metadata"]["name"], objects.namespace_of(one)
        resource = definition["spec"]["names"]["singular"]
        yield trouble.Trouble(
            f"{one['kind']} {objects.key_of(one)} is still there",
            f"{before}kubectl delete {resource} {name} --namespace {where}, "
            f"and wait until it is gone{instead}",
        )


async def _rows(
    source: cluster.Cluster, wanted: order.Order, *, controllers_only: bool
) -> AsyncIterator[plan.Row]:
    for kind in reversed(manifests.KINDS):
        for found in await plan.ours(source, kind, wanted.namespace):
            key = objects.key_of(found)
            if kind == kinds.NAMESPACE and key.name != wanted.namespace:
                continue
            why = "clouds need it" if controllers_only and stays(kind, key.name) else ""
            if not why and kind == kinds.NAMESPACE:
                why = await _needed_by_others(source, found)
            yield plan.Row(plan.Action.KEEP, kind, key, why) if why else _removed(kind, found)


def _removed(kind: Kind, found: Object) -> plan.Row:
    key = objects.key_of(found)
    return plan.Row(plan.Action.REMOVE, kind, key, uid=objects.uid_of(found))


def stays(kind: Kind, name: str) -> bool:
    """Whether clouds go on needing it when only the controllers leave."""
    return kind in _STAY or name in _PEOPLE


async def _needed_by_others(source: cluster.Cluster, namespace: Object) -> str:
    """Why a namespace must not go; empty if it may."""
    if plan.MADE not in objects.annotations_of(namespace):
        return "ouranos install has not made it"
    place: str = namespace["metadata"]["name"]
    for kind in _CONTENT:
        for one in (await source.list(kind, place)).items:
            if not order.is_ours(one) and one["metadata"]["name"] not in _OF_THE_CLUSTER:
                return f"{kind.kind} {one['metadata']['name']} is in it"
    return ""


async def data(source: cluster.Cluster) -> list[Left]:
    """What holds data of clouds that are gone: never removed here, only named."""
    volumes = (await source.list(kinds.PERSISTENT_VOLUME_CLAIM, labels=_MADE_BY_CLOUDS)).items
    servers = (await source.list(kinds.PERSISTENT_VOLUME_CLAIM, labels=_SERVERS)).items
    volumes += [one for one in servers if _is_of_server(one)]
    secrets = (await source.list(kinds.SECRET, labels=_MADE_BY_CLOUDS)).items
    return [
        *(
            Left(kinds.PERSISTENT_VOLUME_CLAIM, objects.key_of(one), _volume(one))
            for one in volumes
        ),
        *(Left(kinds.SECRET, objects.key_of(one)) for one in secrets),
    ]


def _is_of_server(claim: Object) -> bool:
    labels = objects.labels_of(claim)
    own = claim["metadata"]["name"] == f"data-{labels.get('app.kubernetes.io/name')}-0"
    return own and labels.get("app.kubernetes.io/managed-by") != "ouranos"


def _volume(claim: Object) -> str:
    size = objects.mapping(claim, "spec", "resources", "requests").get("storage", "")
    name = objects.mapping(claim, "spec").get("volumeName")
    return f"{size}, PersistentVolume {name}" if name else str(size)


async def gone(
    source: cluster.Cluster, made: plan.Plan, given: seams.Seams, say: work.Say, seconds: float
) -> None:
    """Return when all that was removed is really gone.

    Raises:
        trouble.LateError: something is not gone in time.
    """
    await waiting.until(lambda: _first_left(source, made), "gone", given, say, seconds)


async def _first_left(source: cluster.Cluster, made: plan.Plan) -> str:
    for row in made.changes:
        found = await source.get(row.kind, row.key.name, row.key.namespace)
        if found is not None and objects.uid_of(found) == row.uid:
            return f"{row.kind.kind} {row.key} to go"
    return ""
