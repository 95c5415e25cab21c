"""Is this a cluster that Ouranos can be installed in? Looked at before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ouranos.install import order, rights, trouble
from ouranos.kit import cluster, conditions, kinds, objects
from ouranos.kit import storage as storages
from ouranos.kit.objects import Kind, Object

MINIMUM: Final = (1, 31)
"""Rules of our kinds use CEL's functions for networks, which earlier versions refuse."""

_SELECTOR: Final = ",".join(
    f"{key}={value}" for key, value in {**order.SELECTOR, **order.OURS}.items()
)


async def version(source: cluster.Cluster) -> None:
    """Return if the cluster is new enough.

    Raises:
        trouble.RefusedError: it is too old.
    """
    told = await source.version()
    found = _numbers(f"{told.get('major')}.{told.get('minor')}")[:2]
    if found < MINIMUM:
        least = ".".join(map(str, MINIMUM))
        raise trouble.RefusedError(
            [
                trouble.Trouble(
                    f"the cluster runs Kubernetes {told.get('gitVersion')}; Ouranos needs {least}",
                    f"upgrade the cluster to {least} or newer",
                )
            ]
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", text))


def _age(version: str) -> tuple[tuple[int, ...], bool, str, tuple[int, ...]]:
    """What orders versions: a release comes after its candidates."""
    candidate = version.lstrip("0123456789.")
    release = version.removesuffix(candidate)
    return _numbers(release), not candidate, candidate.rstrip("0123456789"), _numbers(candidate)


async def places(source: cluster.Cluster) -> set[str]:
    """The namespaces in which Ouranos is installed: one at most, if all went well."""
    deployments = await source.list(kinds.DEPLOYMENT, labels=_SELECTOR)
    binding = await source.get(kinds.CLUSTER_ROLE_BINDING, order.NAME)
    subjects = objects.entries(binding or {}, "subjects")
    return {
        *(objects.namespace_of(one) for one in deployments.items),
        *(str(one.get("namespace")) for one in subjects),
    }


async def others(source: cluster.Cluster, wanted: order.Order) -> list[trouble.Trouble]:
    """What says that another installation has this cluster already, or is going."""
    found = [_second(place) for place in sorted(await places(source) - {wanted.namespace})]
    namespace = await source.get(kinds.NAMESPACE, wanted.namespace)
    if namespace is not None and objects.is_deleting(namespace):
        found.append(
            trouble.Trouble(
                f"namespace {wanted.namespace} is being deleted", "try again when it is gone"
            )
        )
    if namespace is not None:
        deployment = await source.get(kinds.DEPLOYMENT, order.NAME, wanted.namespace)
        found += [*strangers([deployment]), *newer([deployment], wanted)] if deployment else []
    return found


def _second(place: str) -> trouble.Trouble:
    return trouble.Trouble(
        f"Ouranos is installed in namespace {place} already; a cluster holds it once",
        f"say --namespace {place}, or first: ouranos uninstall --namespace {place}",
    )


def definitions(present: Sequence[Object], wanted: order.Order) -> list[trouble.Trouble]:
    """What is wrong with the definitions of our kinds that a cluster holds."""
    found = [*strangers(present), *newer(present, wanted)]
    for one in present:
        name: str = one["metadata"]["name"]
        if objects.is_deleting(one):
            message = f"CustomResourceDefinition {name} is being deleted"
            found.append(trouble.Trouble(message, "try again when it is gone"))
        stored: list[str] = objects.mapping(one, "status").get("storedVersions") or []
        unknown = sorted(set(stored) - {kinds.VERSION})
        if unknown:
            found.append(
                trouble.Trouble(
                    f"CustomResourceDefinition {name} stores {', '.join(unknown)}, which this "
                    f"Ouranos does not know: it knows {kinds.VERSION}",
                    "use the Ouranos that wrote it, or a newer one",
                )
            )
    return found


def strangers(present: Sequence[Object]) -> Iterator[trouble.Trouble]:
    """Those objects that have our names and are not ours, in one line for each kind."""
    found: dict[Kind, list[Object]] = {}
    for one in present:
        if not order.is_ours(one):
            found.setdefault(kinds.of(one), []).append(one)
    marks = " ".join(f"{key}={value}" for key, value in order.OURS.items())
    for kind, ones in found.items():
        names = [one["metadata"]["name"] for one in ones]
        who = ", ".join(dict.fromkeys(name for one in ones for name in _managers(one)))
        where = objects.namespace_of(ones[0])
        place = f" --namespace {where}" if where else ""
        yield trouble.Trouble(
            f"{kind.kind} {', '.join(names)}: there already and not ours: "
            f"{who or 'somebody'} made it",
            "remove what is not Ouranos' own; what is: "
            f"kubectl label {kind.qualified} {' '.join(names)}{place} {marks}",
        )


def newer(present: Sequence[Object], wanted: order.Order) -> Iterator[trouble.Trouble]:
    """Those objects that a newer Ouranos has made: going back would cut off what it wrote."""
    for one in present:
        label = objects.labels_of(one).get(order.VERSION, "")
        if label and _age(label) > _age(wanted.release):
            yield trouble.Trouble(
                f"{one['kind']} {one['metadata']['name']} is of Ouranos {label}; "
                f"this is {wanted.release}",
                f"install with Ouranos {label} or newer",
            )


def _managers(obj: Object) -> Iterator[str]:
    for entry in objects.entries(obj, "metadata", "managedFields"):
        if entry.get("subresource") != "status":
            yield str(entry.get("manager"))


async def storage(source: cluster.Cluster) -> list[trouble.Trouble]:
    """Whether volumes will be had; a cloud without would wait, so it is only a warning."""
    if not await rights.may(source, rights.Right("storageclasses", "list", "storage.k8s.io")):
        return [trouble.Trouble("whether there is a default StorageClass could not be seen")]
    classes = (await source.list(kinds.STORAGE_CLASS)).items
    if storages.has_default(classes):
        return []
    names = ", ".join(one["metadata"]["name"] for one in classes)
    hint = f"mark one of {names} as the default" if names else "install a storage provisioner"
    message = "the cluster has no default StorageClass: databases will wait for their volumes"
    return [trouble.Trouble(message, hint)]


async def established(source: cluster.Cluster, names: Sequence[str]) -> str:
    """The first definition that the API server does not serve yet, in words; empty if none.

    Raises:
        trouble.BrokenOffError: it will never serve one, because its names are taken.
    """
    for name in names:
        found = await source.get(kinds.CUSTOM_RESOURCE_DEFINITION, name)
        for one in conditions.of(found or {}):
            if one["type"] == "NamesAccepted" and one["status"] == "False":
                said = f"CustomResourceDefinition {name}: {one.get('message')}"
                raise trouble.BrokenOffError(said)
        if not conditions.is_true(found or {}, "Established"):
            return f"CustomResourceDefinition {name} to be established"
    return ""
