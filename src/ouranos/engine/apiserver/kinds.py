"""Which kinds are served without a definition? A table; asked once, when the server opens."""

from functools import partial

from ouranos.engine.apiserver import events
from ouranos.engine.apiserver.fields import FieldPath
from ouranos.engine.apiserver.resources import Resource, Scale
from ouranos.engine.apiserver.schema import builtin
from ouranos.engine.apiserver.tables import cells
from ouranos.kit import kinds
from ouranos.kit.objects import Kind

_SCALE = Scale()
DEFINITIONS = kinds.CUSTOM_RESOURCE_DEFINITION.qualified


def _paths(*names: str) -> dict[str, FieldPath]:
    return {name: tuple(name.split(".")) for name in names}


_POD_FIELDS = _paths(
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
_EVENT_FIELDS = _paths(
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "type",
) | {"source": ("source", "component")}
_REGARDING_FIELDS = {
    name.replace("involvedObject", "regarding").replace(
        "reportingComponent", "reportingController"
    ): path
    for name, path in _EVENT_FIELDS.items()
}


def _resource(  # a table's row
    kind: Kind,
    *short_names: str,
    subresources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    counts: bool = False,
    fields: dict[str, FieldPath] | None = None,
    scale: Scale | None = None,
) -> Resource:
    return Resource(
        kind=kind,
        schema_of=partial(builtin.structural, kind),
        storage=kind.qualified,
        singular=kind.kind.lower(),
        short_names=short_names,
        subresources=(*subresources, "scale") if scale else subresources,
        categories=categories,
        counts=counts,
        fields=fields or {},
        scale=scale,
        columns=cells.COLUMNS.get(kind.qualified),
    )


_EVENTS = Kind("events.k8s.io", "v1", "Event", "events")
_STATUS = ("status",)
_ALL = ("all",)

RESOURCES: tuple[Resource, ...] = (
    _resource(
        kinds.NAMESPACE, "ns", subresources=("status", "finalize"), fields=_paths("status.phase")
    ),
    _resource(kinds.NODE, "no", subresources=_STATUS, fields=_paths("spec.unschedulable")),
    _resource(
        kinds.POD,
        "po",
        subresources=("status", "log", "eviction", "binding"),
        categories=_ALL,
        counts=True,
        fields=_POD_FIELDS,
    ),
    _resource(
        kinds.SERVICE,
        "svc",
        subresources=_STATUS,
        categories=_ALL,
        fields=_paths("spec.clusterIP", "spec.type"),
    ),
    _resource(kinds.SECRET, fields=_paths("type")),
    _resource(kinds.CONFIG_MAP, "cm"),
    _resource(kinds.PERSISTENT_VOLUME_CLAIM, "pvc", subresources=_STATUS),
    _resource(kinds.PERSISTENT_VOLUME, "pv", subresources=_STATUS),
    _resource(kinds.EVENT, "ev", fields=_EVENT_FIELDS),
    _resource(kinds.SERVICE_ACCOUNT, "sa"),
    _resource(
        kinds.DEPLOYMENT, "deploy", subresources=_STATUS, categories=_ALL, counts=True, scale=_SCALE
    ),
    _resource(
        kinds.REPLICA_SET,
        "rs",
        subresources=_STATUS,
        categories=_ALL,
        counts=True,
        fields=_paths("status.replicas"),
        scale=_SCALE,
    ),
    _resource(
        kinds.STATEFUL_SET, "sts", subresources=_STATUS, categories=_ALL, counts=True, scale=_SCALE
    ),
    _resource(kinds.DAEMON_SET, "ds", subresources=_STATUS, categories=_ALL, counts=True),
    _resource(kinds.CONTROLLER_REVISION),
    _resource(
        kinds.JOB,
        subresources=_STATUS,
        categories=_ALL,
        counts=True,
        fields={"status.successful": ("status", "succeeded")},
    ),
    _resource(kinds.CRON_JOB, "cj", subresources=_STATUS, categories=_ALL, counts=True),
    _resource(kinds.POD_DISRUPTION_BUDGET, "pdb", subresources=_STATUS, counts=True),
    _resource(kinds.LEASE),
    _resource(kinds.ENDPOINT_SLICE, counts=True),
    _resource(kinds.STORAGE_CLASS, "sc"),
    _resource(kinds.PRIORITY_CLASS, "pc", counts=True),
    _resource(kinds.NETWORK_POLICY, "netpol", counts=True),
    _resource(kinds.ROLE),
    _resource(kinds.ROLE_BINDING),
    _resource(kinds.CLUSTER_ROLE),
    _resource(kinds.CLUSTER_ROLE_BINDING),
    _resource(
        kinds.VALIDATING_ADMISSION_POLICY,
        subresources=_STATUS,
        categories=("api-extensions",),
        counts=True,
    ),
    _resource(
        kinds.VALIDATING_ADMISSION_POLICY_BINDING, categories=("api-extensions",), counts=True
    ),
    _resource(
        kinds.CUSTOM_RESOURCE_DEFINITION,
        "crd",
        "crds",
        subresources=_STATUS,
        categories=("api-extensions",),
        counts=True,
    ),
    Resource(
        kind=_EVENTS,
        schema_of=partial(builtin.structural, _EVENTS),
        storage=kinds.EVENT.qualified,
        singular="event",
        short_names=("ev",),
        fields=_REGARDING_FIELDS,
        columns=cells.COLUMNS.get(kinds.EVENT.qualified),
        inward=events.to_core,
        outward=events.from_core,
    ),
)
