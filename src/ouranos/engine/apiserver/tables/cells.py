"""Which columns has each built-in kind? Those of Kubernetes; asked by the table of kinds."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ouranos.engine.apiserver import fields, selectors
from ouranos.engine.apiserver.resources import Column
from ouranos.engine.apiserver.tables import duration, pods
from ouranos.engine.apiserver.tables.table import AGE, NAME
from ouranos.kit import kinds
from ouranos.kit.objects import Object

_NONE, _UNSET, _UNKNOWN = "<none>", "<unset>", "<unknown>"
_ROLE = "node-role.kubernetes.io/"
_MOST_ENDPOINTS = 3

Cell = Callable[[Object], object]


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
        return _NONE if value is None else selectors.text_of(value) or _NONE

    return _column("Selector", cell, wide=True)


def _pairs(value: Object) -> str:
    return ",".join(f"{name}={text}" for name, text in sorted(value.items())) or _NONE


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


def _ago(name: str, *path: str, otherwise: str = _NONE) -> Column:
    def read(obj: Object, now: datetime) -> object:
        time = fields.text(obj, *path)
        return duration.since(time, now) if time else otherwise

    return Column(name, read)


# Nodes and services.


def _node_status(node: Object) -> str:
    words = [
        "Ready" if each.get("status") == "True" else "NotReady"
        for each in fields.listed(node, "status", "conditions")
        if each.get("type") == "Ready"
    ] or ["Unknown"]
    if fields.at(node, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Object) -> str:
    labels = fields.part(node, "metadata", "labels")
    roles = {name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)}
    return ",".join(sorted(roles)) or _NONE


def _node_address(kind: str) -> Cell:
    def cell(node: Object) -> str:
        addresses = fields.listed(node, "status", "addresses")
        return next((each["address"] for each in addresses if each["type"] == kind), _NONE)

    return cell


def _kernel(node: Object) -> str:
    version = fields.text(node, "status", "nodeInfo", "kernelVersion") or _UNKNOWN
    architecture = fields.text(node, "status", "nodeInfo", "architecture")
    return f"{version} ({architecture})" if architecture else version


def _external(service: Object) -> str:
    kind = fields.text(service, "spec", "type")
    given = [str(each) for each in fields.listed(service, "spec", "externalIPs")]
    if kind == "LoadBalancer":
        balancers = fields.listed(service, "status", "loadBalancer", "ingress")
        found = [each.get("ip") or each.get("hostname", "") for each in balancers]
        return ",".join([*found, *given]) or "<pending>"
    if kind == "ExternalName":
        return fields.text(service, "spec", "externalName")
    return ",".join(given) or _NONE


def _ports(service: Object) -> str:
    words: list[str] = []
    for each in fields.listed(service, "spec", "ports"):
        node = f":{each['nodePort']}" if each.get("nodePort") else ""
        words.append(f"{each['port']}{node}/{each.get('protocol', 'TCP')}")
    return ",".join(words) or _NONE


def _cluster_ip(service: Object) -> str:
    addresses = fields.listed(service, "spec", "clusterIPs")
    return str(addresses[0]) if addresses else fields.text(service, "spec", "clusterIP") or _NONE


def _slice_ports(endpoints: Object) -> str:
    ports = [str(each.get("port", "")) for each in fields.listed(endpoints, "ports")]
    return ",".join(ports) or _UNSET


def _slice_addresses(endpoints: Object) -> str:
    found = [
        str(address)
        for each in fields.listed(endpoints, "endpoints")
        for address in fields.listed(each, "addresses")
    ]
    if len(found) > _MOST_ENDPOINTS:
        return f"{','.join(found[:_MOST_ENDPOINTS])} + {len(found) - _MOST_ENDPOINTS} more..."
    return ",".join(found) or _UNSET


# Jobs.


def _job_status(job: Object) -> str:
    true = {
        each.get("type")
        for each in fields.listed(job, "status", "conditions")
        if each.get("status") == "True"
    }
    if found := [word for word in ("Complete", "Failed") if word in true]:
        return found[0]
    if "deletionTimestamp" in job["metadata"]:
        return "Terminating"
    later = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((word for word in later if word in true), "Running")


def _completions(job: Object) -> str:
    done = fields.at(job, "status", "succeeded") or 0
    wanted = fields.at(job, "spec", "completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = fields.at(job, "spec", "parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(job: Object, now: datetime) -> str:
    start = fields.text(job, "status", "startTime")
    end = fields.text(job, "status", "completionTime")
    if not start:
        return ""
    return duration.between(start, end) if end else duration.since(start, now)


# Volumes.

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _modes(*path: str) -> Cell:
    def cell(obj: Object) -> str:
        held = fields.listed(obj, *path)
        return ",".join(short for long, short in _MODES.items() if long in held)

    return cell


def _phase(obj: Object) -> str:
    going = "deletionTimestamp" in obj["metadata"]
    return "Terminating" if going else fields.text(obj, "status", "phase")


def _claim(volume: Object) -> str:
    claim = fields.part(volume, "spec", "claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _class(obj: Object) -> str:
    note = fields.text(obj, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class")
    return note or fields.text(obj, "spec", "storageClassName")


# Others.


def _last_seen(event: Object, now: datetime) -> str:
    for path in (("series", "lastObservedTime"), ("lastTimestamp",)):
        if time := fields.text(event, *path):
            return duration.since(time, now)
    return _first_seen(event, now)


def _first_seen(event: Object, now: datetime) -> str:
    time = fields.text(event, "firstTimestamp") or fields.text(event, "eventTime")
    return duration.since(time, now)


def _event_object(event: Object) -> str:
    about = fields.part(event, "involvedObject") or fields.part(event, "regarding")
    kind, name = str(about.get("kind", "")).lower(), about.get("name", "")
    return f"{kind}/{name}" if name else kind


def _event_source(event: Object) -> str:
    component = fields.text(event, "source", "component") or fields.text(
        event, "reportingComponent"
    )
    host = fields.text(event, "source", "host") or fields.text(event, "reportingInstance")
    return ", ".join(each for each in (component, host) if each)


def _event_count(event: Object) -> int:
    return fields.at(event, "series", "count") or fields.at(event, "count") or 1


def _message(event: Object) -> str:
    return (fields.text(event, "message") or fields.text(event, "note")).strip()


def _controller(revision: Object) -> str:
    owners: list[Any] = fields.listed(revision, "metadata", "ownerReferences")
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None:
        return _NONE
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{f'.{group}' if group else ''}/{owner['name']}"


def _class_name(storage: Object) -> str:
    notes = fields.part(storage, "metadata", "annotations")
    default = notes.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{storage['metadata']['name']} (default)" if default else storage["metadata"]["name"]


def _limit(name: str) -> Cell:
    def cell(budget: Object) -> str:
        value = fields.at(budget, "spec", name)
        return "N/A" if value is None else str(value)

    return cell


_INFO = ("status", "nodeInfo")
_REPLICAS = ("spec", "replicas")
_EVENT_COLUMNS = (
    Column("Last Seen", _last_seen),
    _text("Type", "type"),
    _text("Reason", "reason"),
    _column("Object", _event_object),
    _text("Subobject", "involvedObject", "fieldPath", wide=True),
    _column("Source", _event_source, wide=True),
    _column("Message", _message),
    Column("First Seen", _first_seen, priority=1),
    _column("Count", _event_count, wide=True),
    Column("Name", NAME.read, format="name", priority=1),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    kinds.NAMESPACE.qualified: (NAME, _text("Status", "status", "phase"), AGE),
    kinds.NODE.qualified: (
        NAME,
        _column("Status", _node_status),
        _column("Roles", _roles),
        AGE,
        _text("Version", *_INFO, "kubeletVersion"),
        _column("Internal-IP", _node_address("InternalIP"), wide=True),
        _column("External-IP", _node_address("ExternalIP"), wide=True),
        _text("OS-Image", *_INFO, "osImage", otherwise=_UNKNOWN, wide=True),
        _column("Kernel-Version", _kernel, wide=True),
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
        _text("Node", "spec", "nodeName", otherwise=_NONE, wide=True),
        _text("Nominated Node", "status", "nominatedNodeName", otherwise=_NONE, wide=True),
        _column("Readiness Gates", pods.gates, wide=True),
    ),
    kinds.SERVICE.qualified: (
        NAME,
        _text("Type", "spec", "type"),
        _column("Cluster-IP", _cluster_ip),
        _column("External-IP", _external),
        _column("Port(s)", _ports),
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
        _column("Status", _phase),
        _text("Volume", "spec", "volumeName"),
        _text("Capacity", "status", "capacity", "storage"),
        _column("Access Modes", _modes("status", "accessModes")),
        _column("StorageClass", _class),
        _text("VolumeAttributesClass", "spec", "volumeAttributesClassName", otherwise=_UNSET),
        AGE,
        _text("VolumeMode", "spec", "volumeMode", otherwise=_UNSET, wide=True),
    ),
    kinds.PERSISTENT_VOLUME.qualified: (
        NAME,
        _text("Capacity", "spec", "capacity", "storage"),
        _column("Access Modes", _modes("spec", "accessModes")),
        _text("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy"),
        _column("Status", _phase),
        _column("Claim", _claim),
        _column("StorageClass", _class),
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
        _column("Controller", _controller),
        _number("Revision", "revision", kind="string"),
        AGE,
    ),
    kinds.JOB.qualified: (
        NAME,
        _column("Status", _job_status),
        _column("Completions", _completions),
        Column("Duration", _job_duration),
        AGE,
        *_containers("spec", "template"),
        _selector("spec", "selector"),
    ),
    kinds.CRON_JOB.qualified: (
        NAME,
        _text("Schedule", "spec", "schedule"),
        _text("Timezone", "spec", "timeZone", otherwise=_NONE),
        _column("Suspend", lambda obj: fields.text(obj, "spec", "suspend").title() or "False"),
        _column("Active", lambda obj: len(fields.listed(obj, "status", "active")), "integer"),
        _ago("Last Schedule", "status", "lastScheduleTime"),
        AGE,
        *_containers("spec", "jobTemplate", "spec", "template"),
        _selector("spec", "jobTemplate", "spec", "selector"),
    ),
    kinds.POD_DISRUPTION_BUDGET.qualified: (
        NAME,
        _column("Min Available", _limit("minAvailable")),
        _column("Max Unavailable", _limit("maxUnavailable")),
        _number("Allowed Disruptions", "status", "disruptionsAllowed"),
        AGE,
    ),
    kinds.LEASE.qualified: (NAME, _text("Holder", "spec", "holderIdentity"), AGE),
    kinds.ENDPOINT_SLICE.qualified: (
        NAME,
        _text("AddressType", "addressType"),
        _column("Ports", _slice_ports),
        _column("Endpoints", _slice_addresses),
        AGE,
    ),
    kinds.STORAGE_CLASS.qualified: (
        Column("Name", lambda obj, _: _class_name(obj), format="name"),
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
