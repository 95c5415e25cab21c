"""Which words stand in a cell of a built-in kind's row? Those of Kubernetes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ouranos.engine.apiserver import fields
from ouranos.engine.apiserver.tables import duration
from ouranos.kit.objects import Object

NONE = "<none>"
_UNSET, _UNKNOWN = "<unset>", "<unknown>"
_ROLE = "node-role.kubernetes.io/"
_MOST_ENDPOINTS = 3

Cell = Callable[[Object], object]


# Nodes and services.


def node_status(node: Object) -> str:
    """Say whether a node is ready, and takes pods."""
    words = [
        "Ready" if each.get("status") == "True" else "NotReady"
        for each in fields.listed(node, "status", "conditions")
        if each.get("type") == "Ready"
    ] or ["Unknown"]
    if fields.at(node, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def roles(node: Object) -> str:
    """Say what a node is for."""
    labels = fields.part(node, "metadata", "labels")
    roles = {name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)}
    return ",".join(sorted(roles)) or NONE


def node_address(kind: str) -> Cell:
    """Give what finds a node's address of a kind."""

    def cell(node: Object) -> str:
        addresses = fields.listed(node, "status", "addresses")
        return next((each["address"] for each in addresses if each["type"] == kind), NONE)

    return cell


def kernel(node: Object) -> str:
    """Say which kernel a node has."""
    version = fields.text(node, "status", "nodeInfo", "kernelVersion") or _UNKNOWN
    architecture = fields.text(node, "status", "nodeInfo", "architecture")
    return f"{version} ({architecture})" if architecture else version


def external(service: Object) -> str:
    """Say where a service is reached from outside."""
    kind = fields.text(service, "spec", "type")
    given = [str(each) for each in fields.listed(service, "spec", "externalIPs")]
    if kind == "LoadBalancer":
        balancers = fields.listed(service, "status", "loadBalancer", "ingress")
        found = [each.get("ip") or each.get("hostname", "") for each in balancers]
        return ",".join([*found, *given]) or "<pending>"
    if kind == "ExternalName":
        return fields.text(service, "spec", "externalName")
    return ",".join(given) or NONE


def ports(service: Object) -> str:
    """Say at which ports a service listens."""
    words: list[str] = []
    for each in fields.listed(service, "spec", "ports"):
        node = f":{each['nodePort']}" if each.get("nodePort") else ""
        words.append(f"{each['port']}{node}/{each.get('protocol', 'TCP')}")
    return ",".join(words) or NONE


def cluster_ip(service: Object) -> str:
    """Say where a service is reached from inside."""
    addresses = fields.listed(service, "spec", "clusterIPs")
    return str(addresses[0]) if addresses else fields.text(service, "spec", "clusterIP") or NONE


def slice_ports(endpoints: Object) -> str:
    """Say which ports endpoints have."""
    ports = [str(each.get("port", "")) for each in fields.listed(endpoints, "ports")]
    return ",".join(ports) or _UNSET


def slice_addresses(endpoints: Object) -> str:
    """Say where endpoints are, the first of them."""
    found = [
        str(address)
        for each in fields.listed(endpoints, "endpoints")
        for address in fields.listed(each, "addresses")
    ]
    if len(found) > _MOST_ENDPOINTS:
        return f"{','.join(found[:_MOST_ENDPOINTS])} + {len(found) - _MOST_ENDPOINTS} more..."
    return ",".join(found) or _UNSET


# Jobs.


def job_status(job: Object) -> str:
    """Say how a job stands."""
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


def completions(job: Object) -> str:
    """Say how much of a job is done."""
    done = fields.at(job, "status", "succeeded") or 0
    wanted = fields.at(job, "spec", "completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = fields.at(job, "spec", "parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job_duration(job: Object, now: datetime) -> str:
    """Say how long a job has taken."""
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


def modes(*path: str) -> Cell:
    """Give what shortens the access modes at a path."""

    def cell(obj: Object) -> str:
        held = fields.listed(obj, *path)
        return ",".join(short for long, short in _MODES.items() if long in held)

    return cell


def phase(obj: Object) -> str:
    """Say how a volume or claim stands."""
    going = "deletionTimestamp" in obj["metadata"]
    return "Terminating" if going else fields.text(obj, "status", "phase")


def claim(volume: Object) -> str:
    """Say who has a volume."""
    claim = fields.part(volume, "spec", "claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def volume_class(obj: Object) -> str:
    """Say of which class a volume is."""
    note = fields.text(obj, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class")
    return note or fields.text(obj, "spec", "storageClassName")


# Others.


def last_seen(event: Object, now: datetime) -> str:
    """Say when an event was seen last."""
    for path in (("series", "lastObservedTime"), ("lastTimestamp",)):
        if time := fields.text(event, *path):
            return duration.since(time, now)
    return first_seen(event, now)


def first_seen(event: Object, now: datetime) -> str:
    """Say when an event was seen first."""
    time = fields.text(event, "firstTimestamp") or fields.text(event, "eventTime")
    return duration.since(time, now)


def event_object(event: Object) -> str:
    """Say what an event is about."""
    about = fields.part(event, "involvedObject") or fields.part(event, "regarding")
    kind, name = str(about.get("kind", "")).lower(), about.get("name", "")
    return f"{kind}/{name}" if name else kind


def event_source(event: Object) -> str:
    """Say who tells an event."""
    component = fields.text(event, "source", "component") or fields.text(
        event, "reportingComponent"
    )
    host = fields.text(event, "source", "host") or fields.text(event, "reportingInstance")
    return ", ".join(each for each in (component, host) if each)


def event_count(event: Object) -> int:
    """Say how often an event was seen."""
    return fields.at(event, "series", "count") or fields.at(event, "count") or 1


def message(event: Object) -> str:
    """Say what happened."""
    return (fields.text(event, "message") or fields.text(event, "note")).strip()


def controller(revision: Object) -> str:
    """Say whose a revision is."""
    owners: list[Any] = fields.listed(revision, "metadata", "ownerReferences")
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None:
        return NONE
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{f'.{group}' if group else ''}/{owner['name']}"


def class_name(storage: Object) -> str:
    """Name a storage class, and whether it is the default."""
    notes = fields.part(storage, "metadata", "annotations")
    default = notes.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{storage['metadata']['name']} (default)" if default else storage["metadata"]["name"]


def limit(name: str) -> Cell:
    """Give what shows one of a budget's limits."""

    def cell(budget: Object) -> str:
        value = fields.at(budget, "spec", name)
        return "N/A" if value is None else str(value)

    return cell
