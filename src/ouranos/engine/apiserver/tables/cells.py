"""Which columns has each built-in kind? Those of Kubernetes; asked by the table of kinds."""

from datetime import datetime

from ouranos.engine.apiserver import fields, selectors
from ouranos.engine.apiserver.resources import Column
from ouranos.engine.apiserver.tables import access, duration, pods, words
from ouranos.engine.apiserver.tables.table import AGE, NAME
from ouranos.engine.apiserver.tables.words import NONE, Cell
from ouranos.kit import kinds
from ouranos.kit.objects import Object

_UNSET, _UNKNOWN = "<unset>", "<unknown>"


def _column(name: str, cell: Cell, kind: str = "string", *, wide: bool = False) -> Column:
    def read(obj: Object, _: datetime) -> object:
        return cell(obj)

    return Column(name, read, kind, priority=1 if wide else 0)


def _text(name: str, *path: str, otherwise: str = "", wide: bool = False) -> Column:
    return _column(name, lambda obj: fields.text(obj, *path) or otherwise, wide=wide)


def _number(name: str, *path: str, kind: str = "integer") -> Column:
    return _column(name, lambda obj: fields.at(obj, *path) or 0, kind)


def _selector(*path: str) -> Column:
    def cell(obj: Object) -> str:
        value = fields.at(obj, *path)
        return NONE if value is None else selectors.text_of(value) or NONE

    return _column("Selector", cell, wide=True)


def _pairs(value: Object) -> str:
    return ",".join(f"{name}={text}" for name, text in sorted(value.items())) or NONE


def _containers(*path: str) -> tuple[Column, Column]:
    where = (*path, "spec", "containers")

    def every(name: str) -> Cell:
        return lambda obj: ",".join(str(each.get(name, "")) for each in fields.listed(obj, *where))

    return (
        _column("Containers", every("name"), wide=True),
        _column("Images", every("image"), wide=True),
    )


def _out_of(done: tuple[str, ...], wanted: tuple[str, ...]) -> Cell:
    return lambda obj: f"{fields.at(obj, *done) or 0}/{fields.at(obj, *wanted) or 0}"


def _ago(name: str, *path: str, otherwise: str = NONE) -> Column:
    def read(obj: Object, now: datetime) -> object:
        time = fields.text(obj, *path)
        return duration.since(time, now) if time else otherwise

    return Column(name, read)


_INFO = ("status", "nodeInfo")
_REPLICAS = ("spec", "replicas")
_EVENT_COLUMNS = (
    Column("Last Seen", words.last_seen),
    _text("Type", "type"),
    _text("Reason", "reason"),
    _column("Object", words.event_object),
    _text("Subobject", "involvedObject", "fieldPath", wide=True),
    _column("Source", words.event_source, wide=True),
    _column("Message", words.message),
    Column("First Seen", words.first_seen, priority=1),
    _column("Count", words.event_count, wide=True),
    Column("Name", NAME.read, format="name", priority=1),
)

COLUMNS: dict[str, tuple[Column, ...]] = access.COLUMNS | {
    kinds.NAMESPACE.qualified: (NAME, _text("Status", "status", "phase"), AGE),
    kinds.NODE.qualified: (
        NAME,
        _column("Status", words.node_status),
        _column("Roles", words.roles),
        AGE,
        _text("Version", *_INFO, "kubeletVersion"),
        _column("Internal-IP", words.node_address("InternalIP"), wide=True),
        _column("External-IP", words.node_address("ExternalIP"), wide=True),
        _text("OS-Image", *_INFO, "osImage", otherwise=_UNKNOWN, wide=True),
        _column("Kernel-Version", words.kernel, wide=True),
        _text(
            "Container-Runtime",
            *_INFO,
            "containerRuntimeVersion",
            otherwise=_UNKNOWN,
            wide=True,
        ),
    ),
    kinds.POD.qualified: (
        NAME,
        _column("Ready", pods.ready),
        _column("Status", pods.status),
        Column("Restarts", pods.restarts),
        AGE,
        _column("IP", pods.address, wide=True),
        _text("Node", "spec", "nodeName", otherwise=NONE, wide=True),
        _text("Nominated Node", "status", "nominatedNodeName", otherwise=NONE, wide=True),
        _column("Readiness Gates", pods.gates, wide=True),
    ),
    kinds.SERVICE.qualified: (
        NAME,
        _text("Type", "spec", "type"),
        _column("Cluster-IP", words.cluster_ip),
        _column("External-IP", words.external),
        _column("Port(s)", words.ports),
        AGE,
        _column("Selector", lambda obj: _pairs(fields.part(obj, "spec", "selector")), wide=True),
    ),
    kinds.SECRET.qualified: (
        NAME,
        _text("Type", "type"),
        _column("Data", lambda obj: len(fields.part(obj, "data"))),
        AGE,
    ),
    kinds.CONFIG_MAP.qualified: (
        NAME,
        _column(
            "Data",
            lambda obj: len(fields.part(obj, "data")) + len(fields.part(obj, "binaryData")),
        ),
        AGE,
    ),
    kinds.PERSISTENT_VOLUME_CLAIM.qualified: (
        NAME,
        _column("Status", words.phase),
        _text("Volume", "spec", "volumeName"),
        _text("Capacity", "status", "capacity", "storage"),
        _column("Access Modes", words.modes("status", "accessModes")),
        _column("StorageClass", words.volume_class),
        _text("VolumeAttributesClass", "spec", "volumeAttributesClassName", otherwise=_UNSET),
        AGE,
        _text("VolumeMode", "spec", "volumeMode", otherwise=_UNSET, wide=True),
    ),
    kinds.PERSISTENT_VOLUME.qualified: (
        NAME,
        _text("Capacity", "spec", "capacity", "storage"),
        _column("Access Modes", words.modes("spec", "accessModes")),
        _text("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy"),
        _column("Status", words.phase),
        _column("Claim", words.claim),
        _column("StorageClass", words.volume_class),
        _text("VolumeAttributesClass", "spec", "volumeAttributesClassName", otherwise=_UNSET),
        _text("Reason", "status", "reason"),
        AGE,
        _text("VolumeMode", "spec", "volumeMode", otherwise=_UNSET, wide=True),
    ),
    kinds.EVENT.qualified: _EVENT_COLUMNS,
    kinds.SERVICE_ACCOUNT.qualified: (NAME, AGE),
    kinds.DEPLOYMENT.qualified: (
        NAME,
        _column("Ready", _out_of(("status", "readyReplicas"), _REPLICAS)),
        _number("Up-to-date", "status", "updatedReplicas", kind="string"),
        _number("Available", "status", "availableReplicas", kind="string"),
        AGE,
        *_containers("spec", "template"),
        _selector("spec", "selector"),
    ),
    kinds.REPLICA_SET.qualified: (
        NAME,
        _number("Desired", *_REPLICAS),
        _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"),
        AGE,
        *_containers("spec", "template"),
        _selector("spec", "selector"),
    ),
    kinds.STATEFUL_SET.qualified: (
        NAME,
        _column("Ready", _out_of(("status", "readyReplicas"), _REPLICAS)),
        AGE,
        *_containers("spec", "template"),
    ),
    kinds.DAEMON_SET.qualified: (
        NAME,
        _number("Desired", "status", "desiredNumberScheduled"),
        _number("Current", "status", "currentNumberScheduled"),
        _number("Ready", "status", "numberReady"),
        _number("Up-to-date", "status", "updatedNumberScheduled"),
        _number("Available", "status", "numberAvailable"),
        _column(
            "Node Selector",
            lambda obj: _pairs(fields.part(obj, "spec", "template", "spec", "nodeSelector")),
        ),
        AGE,
        *_containers("spec", "template"),
        _selector("spec", "selector"),
    ),
    kinds.CONTROLLER_REVISION.qualified: (
        NAME,
        _column("Controller", words.controller),
        _number("Revision", "revision", kind="string"),
        AGE,
    ),
    kinds.JOB.qualified: (
        NAME,
        _column("Status", words.job_status),
        _column("Completions", words.completions),
        Column("Duration", words.job_duration),
        AGE,
        *_containers("spec", "template"),
        _selector("spec", "selector"),
    ),
    kinds.CRON_JOB.qualified: (
        NAME,
        _text("Schedule", "spec", "schedule"),
        _text("Timezone", "spec", "timeZone", otherwise=NONE),
        _column("Suspend", lambda obj: fields.text(obj, "spec", "suspend").title() or "False"),
        _column("Active", lambda obj: len(fields.listed(obj, "status", "active")), "integer"),
        _ago("Last Schedule", "status", "lastScheduleTime"),
        AGE,
        *_containers("spec", "jobTemplate", "spec", "template"),
        _selector("spec", "jobTemplate", "spec", "selector"),
    ),
    kinds.POD_DISRUPTION_BUDGET.qualified: (
        NAME,
        _column("Min Available", words.limit("minAvailable")),
        _column("Max Unavailable", words.limit("maxUnavailable")),
        _number("Allowed Disruptions", "status", "disruptionsAllowed"),
        AGE,
    ),
    kinds.LEASE.qualified: (NAME, _text("Holder", "spec", "holderIdentity"), AGE),
    kinds.ENDPOINT_SLICE.qualified: (
        NAME,
        _text("AddressType", "addressType"),
        _column("Ports", words.slice_ports),
        _column("Endpoints", words.slice_addresses),
        AGE,
    ),
    kinds.NETWORK_POLICY.qualified: (
        NAME,
        _column(
            "Pod-Selector",
            lambda obj: selectors.text_of(fields.part(obj, "spec", "podSelector")) or NONE,
        ),
        AGE,
    ),
    kinds.STORAGE_CLASS.qualified: (
        Column("Name", lambda obj, _: words.class_name(obj), format="name"),
        _text("Provisioner", "provisioner"),
        _text("ReclaimPolicy", "reclaimPolicy", otherwise="Delete"),
        _text("VolumeBindingMode", "volumeBindingMode", otherwise="Immediate"),
        _column("AllowVolumeExpansion", lambda obj: bool(obj.get("allowVolumeExpansion"))),
        AGE,
    ),
    kinds.PRIORITY_CLASS.qualified: (
        NAME,
        _number("Value", "value"),
        _column("Global-Default", lambda obj: bool(obj.get("globalDefault")), "boolean"),
        AGE,
        _text("PreemptionPolicy", "preemptionPolicy", wide=True),
    ),
    kinds.CUSTOM_RESOURCE_DEFINITION.qualified: (
        NAME,
        Column(
            "Created At",
            lambda obj, _: obj["metadata"].get("creationTimestamp", ""),
            type="date",
        ),
    ),
}
