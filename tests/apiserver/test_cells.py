"""Cells hold the words that Kubernetes prints."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ouranos.engine.apiserver import resources
from ouranos.engine.apiserver.tables import cells, duration, jsonpath, pods

Object = dict[str, Any]
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def row(kind: str, obj: Object) -> dict[str, object]:
    whole = {"metadata": {"name": "one", "creationTimestamp": "2026-11-21T11:00:00Z"}, **obj}
    return {column.name: column.read(whole, NOW) for column in cells.COLUMNS[kind]}


def container(name: str, restarts: int = 0, *, ready: bool = False, **state: Object) -> Object:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state}


RUNNING = {"running": {"startedAt": "2026-11-21T11:00:00Z"}}
SPEC = {"containers": [{"name": "a"}, {"name": "b"}]}

PODS: dict[str, tuple[Object, str, str]] = {
    "pending": ({"status": {"phase": "Pending"}}, "0/2", "Pending"),
    "running": (
        {
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    container("a", ready=True, **RUNNING),
                    container("b", ready=True, **RUNNING),
                ],
            }
        },
        "2/2",
        "Running",
    ),
    "backing off": (
        {
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    container("a", waiting={"reason": "CrashLoopBackOff"}),
                    container("b", ready=True, **RUNNING),
                ],
            }
        },
        "1/2",
        "CrashLoopBackOff",
    ),
    "completed": (
        {
            "status": {
                "phase": "Succeeded",
                "containerStatuses": [
                    container("a", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("b", terminated={"exitCode": 0, "reason": "Completed"}),
                ],
            }
        },
        "0/2",
        "Completed",
    ),
    "failed": (
        {
            "status": {
                "phase": "Failed",
                "containerStatuses": [container("a", terminated={"exitCode": 3})],
            }
        },
        "0/2",
        "ExitCode:3",
    ),
    "killed": (
        {
            "status": {
                "phase": "Failed",
                "containerStatuses": [container("a", terminated={"exitCode": 137, "signal": 9})],
            }
        },
        "0/2",
        "Signal:9",
    ),
    "one goes on": (
        {
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    container("a", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("b", ready=True, **RUNNING),
                ],
            }
        },
        "1/2",
        "Running",
    ),
    "one goes on, not ready": (
        {
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    container("a", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("b", ready=True, **RUNNING),
                ],
            }
        },
        "1/2",
        "NotReady",
    ),
    "initialising": (
        {
            "spec": {**SPEC, "initContainers": [{"name": "i"}, {"name": "j"}]},
            "status": {
                "phase": "Pending",
                "initContainerStatuses": [
                    container("i", terminated={"exitCode": 0}),
                    container("j", **RUNNING),
                ],
            },
        },
        "0/2",
        "Init:1/2",
    ),
    "initialisation failed": (
        {
            "spec": {**SPEC, "initContainers": [{"name": "i"}]},
            "status": {
                "phase": "Pending",
                "initContainerStatuses": [container("i", 2, terminated={"exitCode": 1})],
            },
        },
        "0/2",
        "Init:ExitCode:1",
    ),
    "initialisation waits": (
        {
            "spec": {**SPEC, "initContainers": [{"name": "i"}]},
            "status": {
                "phase": "Pending",
                "initContainerStatuses": [container("i", waiting={"reason": "ImagePullBackOff"})],
            },
        },
        "0/2",
        "Init:ImagePullBackOff",
    ),
    "a sidecar": (
        {
            "spec": {**SPEC, "initContainers": [{"name": "i", "restartPolicy": "Always"}]},
            "status": {
                "phase": "Running",
                "initContainerStatuses": [
                    {**container("i", ready=True, **RUNNING), "started": True}
                ],
                "containerStatuses": [container("a", ready=True, **RUNNING)],
            },
        },
        "2/3",
        "Running",
    ),
    "a reason": ({"status": {"phase": "Failed", "reason": "Evicted"}}, "0/2", "Evicted"),
    "gated": (
        {
            "status": {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}],
            }
        },
        "0/2",
        "SchedulingGated",
    ),
    "going": (
        {
            "metadata": {"name": "one", "deletionTimestamp": "2026-11-21T11:59:00Z"},
            "status": {"phase": "Running"},
        },
        "0/2",
        "Terminating",
    ),
    "lost": (
        {
            "metadata": {"name": "one", "deletionTimestamp": "2026-11-21T11:59:00Z"},
            "status": {"phase": "Running", "reason": "NodeLost"},
        },
        "0/2",
        "Unknown",
    ),
}


@pytest.mark.parametrize("name", PODS)
def test_a_pods_state_is_said(name: str) -> None:
    pod, ready, status = PODS[name]
    shown = row("pods", {"spec": SPEC, **pod})
    assert (shown["Ready"], shown["Status"]) == (ready, status)


def test_restarts_are_counted() -> None:
    ended = {"terminated": {"finishedAt": "2026-11-21T11:55:00Z"}}
    held = {**container("a", 3, ready=True, **RUNNING), "lastState": ended}
    pod = {"metadata": {"name": "p"}, "spec": SPEC, "status": {"containerStatuses": [held]}}
    assert pods.restarts(pod, NOW) == "3 (5m ago)"
    waiting = {**pod, "spec": {**SPEC, "initContainers": [{"name": "i"}]}}
    waiting["status"] = {"initContainerStatuses": [container("i", 4, **RUNNING)]}
    assert pods.restarts(waiting, NOW) == "4"


def test_a_pods_place_is_said() -> None:
    status = {
        "podIPs": [{"ip": "172.31.0.2"}],
        "conditions": [{"type": "open", "status": "True"}],
    }
    gates = [{"conditionType": "open"}, {"conditionType": "shut"}]
    shown = row("pods", {"spec": {"nodeName": "n", "readinessGates": gates}, "status": status})
    assert (shown["IP"], shown["Node"], shown["Readiness Gates"]) == ("172.31.0.2", "n", "1/2")


KINDS: dict[str, tuple[str, Object, Object]] = {
    "a node": (
        "nodes",
        {
            "metadata": {
                "name": "n",
                "labels": {"node-role.kubernetes.io/b": "", "node-role.kubernetes.io/a": ""},
            },
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "172.31.0.2"}],
                "nodeInfo": {"kubeletVersion": "v1", "kernelVersion": "6", "architecture": "amd64"},
            },
        },
        {
            "Status": "Ready,SchedulingDisabled",
            "Roles": "a,b",
            "Version": "v1",
            "Internal-IP": "172.31.0.2",
            "External-IP": "<none>",
            "Kernel-Version": "6 (amd64)",
            "OS-Image": "<unknown>",
        },
    ),
    "an unknown node": ("nodes", {}, {"Status": "Unknown", "Roles": "<none>"}),
    "a balanced service": (
        "services",
        {
            "spec": {
                "type": "LoadBalancer",
                "clusterIP": "172.31.0.2",
                "ports": [{"port": 80, "nodePort": 30080}, {"port": 53, "protocol": "UDP"}],
                "selector": {"b": "2", "a": "1"},
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "172.31.0.2"}]}},
        },
        {
            "Cluster-IP": "172.31.0.2",
            "External-IP": "172.31.0.2",
            "Port(s)": "80:30080/TCP,53/UDP",
            "Selector": "a=1,b=2",
        },
    ),
    "a service that waits": (
        "services",
        {"spec": {"type": "LoadBalancer"}},
        {"External-IP": "<pending>", "Port(s)": "<none>", "Cluster-IP": "<none>"},
    ),
    "a service by name": (
        "services",
        {"spec": {"type": "ExternalName", "externalName": "x.example"}},
        {"External-IP": "x.example"},
    ),
    "a job that is done": (
        "jobs.batch",
        {
            "spec": {"completions": 1},
            "status": {
                "succeeded": 1,
                "startTime": "2026-11-21T11:00:00Z",
                "completionTime": "2026-11-21T11:00:30Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        },
        {"Status": "Complete", "Completions": "1/1", "Duration": "30s"},
    ),
    "a job that runs": (
        "jobs.batch",
        {"spec": {"parallelism": 3}, "status": {"startTime": "2026-11-21T11:59:00Z"}},
        {"Status": "Running", "Completions": "0/1 of 3", "Duration": "60s"},
    ),
    "a job that waits": (
        "jobs.batch",
        {"status": {"conditions": [{"type": "Suspended", "status": "True"}]}},
        {"Status": "Suspended", "Completions": "0/1", "Duration": ""},
    ),
    "a job that goes": (
        "jobs.batch",
        {"metadata": {"name": "j", "deletionTimestamp": "x"}},
        {"Status": "Terminating"},
    ),
    "a cron job": (
        "cronjobs.batch",
        {"spec": {"schedule": "* * * * *", "suspend": False}, "status": {"active": [{}]}},
        {"Suspend": "False", "Active": 1, "Last Schedule": "<none>", "Timezone": "<none>"},
    ),
    "a claim": (
        "persistentvolumeclaims",
        {
            "spec": {"volumeName": "v", "storageClassName": "local"},
            "status": {
                "phase": "Bound",
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
            },
        },
        {"Status": "Bound", "Capacity": "1Gi", "Access Modes": "RWO", "StorageClass": "local"},
    ),
    "a volume": (
        "persistentvolumes",
        {
            "metadata": {"name": "v", "deletionTimestamp": "x"},
            "spec": {"claimRef": {"namespace": "n", "name": "c"}, "capacity": {"storage": "1Gi"}},
        },
        {"Status": "Terminating", "Claim": "n/c", "Capacity": "1Gi", "VolumeMode": "<unset>"},
    ),
    "an event": (
        "events",
        {
            "involvedObject": {"kind": "Pod", "name": "p"},
            "lastTimestamp": "2026-11-21T11:59:50Z",
            "source": {"component": "kubelet", "host": "n"},
            "message": " text ",
        },
        {
            "Last Seen": "10s",
            "Object": "pod/p",
            "Source": "kubelet, n",
            "Message": "text",
            "Count": 1,
        },
    ),
    "an event of the new kind": (
        "events",
        {
            "regarding": {"kind": "Pod"},
            "eventTime": "2026-11-21T11:59:50.000000Z",
            "note": "text",
            "series": {"count": 4, "lastObservedTime": "2026-11-21T11:59:55.000000Z"},
        },
        {"Last Seen": "5s", "First Seen": "10s", "Object": "pod", "Message": "text", "Count": 4},
    ),
    "a revision": (
        "controllerrevisions.apps",
        {
            "metadata": {
                "name": "r",
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True}
                ],
            },
            "revision": 3,
        },
        {"Controller": "daemonset.apps/d", "Revision": 3},
    ),
    "an unowned revision": ("controllerrevisions.apps", {}, {"Controller": "<none>"}),
    "a budget": (
        "poddisruptionbudgets.policy",
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
        {"Min Available": "50%", "Max Unavailable": "N/A", "Allowed Disruptions": 1},
    ),
    "endpoints": (
        "endpointslices.discovery.k8s.io",
        {
            "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["1", "2"]}, {"addresses": ["3", "4"]}],
        },
        {"Ports": "80", "Endpoints": "1,2,3 + 1 more..."},
    ),
    "no endpoints": (
        "endpointslices.discovery.k8s.io",
        {},
        {"Ports": "<unset>", "Endpoints": "<unset>"},
    ),
    "a default class": (
        "storageclasses.storage.k8s.io",
        {
            "metadata": {
                "name": "s",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            }
        },
        {"Name": "s (default)", "ReclaimPolicy": "Delete", "VolumeBindingMode": "Immediate"},
    ),
    "a daemon set": (
        "daemonsets.apps",
        {
            "spec": {
                "selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
                "template": {
                    "spec": {
                        "nodeSelector": {"a": "b"},
                        "containers": [{"name": "c", "image": "i"}],
                    }
                },
            },
            "status": {"desiredNumberScheduled": 2},
        },
        {"Desired": 2, "Ready": 0, "Node Selector": "a=b", "Containers": "c", "Selector": "a"},
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_other_kinds_are_said(name: str) -> None:
    kind, obj, expected = KINDS[name]
    assert row(kind, obj).items() >= expected.items()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600, "9h"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (800 * 86400, "2y70d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert duration.human(seconds) == words


def test_an_unknown_time_is_said() -> None:
    assert duration.since(None, NOW) == "<unknown>"


OBJECT = {
    "spec": {"size": 3, "list": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
    "metadata": {"labels": {"app.kubernetes.io/name": "n"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "X", "on": True}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", [3]),
        ("spec.size", [3]),
        ("{.spec.size}", [3]),
        ("$.spec.size", [3]),
        (".spec.none", []),
        (".spec.size.more", []),
        (".spec.list[0].a", [1]),
        (".spec.list[-1].a", [2]),
        (".spec.list[9].a", []),
        (".spec.list[*].b", ["x", "y"]),
        (".spec.*", [3, OBJECT["spec"]["list"]]),
        ("..b", ["x", "y"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Ready')].status", ["True"]),
        (".status.conditions[?(@.type!='Ready')].type", ["X"]),
        (".status.conditions[?(@.on==true)].type", ["X"]),
        (r".metadata.labels.app\.kubernetes\.io/name", ["n"]),
        (".metadata.labels['app.kubernetes.io/name']", ["n"]),
        (".", [OBJECT]),
    ],
)
def test_paths_find(path: str, found: list[Any]) -> None:
    assert jsonpath.find(OBJECT, jsonpath.parse(path)) == found


@pytest.mark.parametrize("path", [".a[", ".a[?(b)]", ".a[1:2]", "a]b"])
def test_wrong_paths_are_refused(path: str) -> None:
    with pytest.raises(jsonpath.PathError):
        jsonpath.parse(path)


def test_versions_have_an_order() -> None:
    given = ["v1alpha1", "x", "v2", "v1", "v11", "v2beta1", "v1beta2", "v1beta1"]
    expected = ["v11", "v2", "v1", "v2beta1", "v1beta2", "v1beta1", "v1alpha1", "x"]
    assert sorted(given, key=resources.version_order) == expected
