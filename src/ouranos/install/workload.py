"""How do the controllers run in a cluster? Pure: an order in, objects out."""

from __future__ import annotations

from typing import Any, Final

from ouranos import services
from ouranos.images import accounts
from ouranos.install import order
from ouranos.kit import kinds
from ouranos.kit.objects import Object

PORT: Final = 8080
PROCESS: Final = ("python3", "-m", "ouranos.cluster")

_POD_SECURITY: Final = "pod-security.kubernetes.io"


def namespace(wanted: order.Order) -> Object:
    """The namespace of the controllers, in which nothing runs that needs rights on a machine."""
    labels = wanted.labels("ouranos")
    for mode in ("enforce", "audit", "warn"):
        labels[f"{_POD_SECURITY}/{mode}"] = "restricted"
    metadata = {"name": wanted.namespace, "labels": labels, "annotations": dict(order.KEPT)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def definition(wanted: order.Order, crd: Object) -> Object:
    """The definition of a kind, as a part of an installation."""
    metadata = {
        **crd["metadata"],
        "labels": wanted.labels("ouranos"),
        "annotations": dict(order.KEPT),
    }
    return {**crd, "metadata": metadata}


def priorities(wanted: order.Order) -> list[Object]:
    """The classes that the pods of clouds name, and the controllers' own, above them."""
    own: Object = {
        "apiVersion": kinds.PRIORITY_CLASS.api_version,
        "kind": "PriorityClass",
        "metadata": {"name": order.NAME},
        "value": 1_100_000,
        "description": "The controllers of Ouranos, which bring back what else had to go.",
    }
    return [
        {
            # Said to be false, which it is anyway, it is another manager's field to others.
            **{name: value for name, value in one.items() if name != "globalDefault"},
            "metadata": {
                **one["metadata"],
                "labels": wanted.labels("ouranos"),
                "annotations": dict(order.KEPT),
            },
        }
        for one in (*services.priority_classes(), own)
    ]


def service(wanted: order.Order) -> Object:
    """Where the metrics are found."""
    scraped = {"scrape": "true", "port": str(PORT), "path": "/metrics"}
    annotations = {f"prometheus.io/{name}": value for name, value in scraped.items()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_metadata(wanted), "annotations": annotations},
        "spec": {
            "type": "ClusterIP",
            "selector": dict(order.SELECTOR),
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def policy(wanted: order.Order) -> Object:
    """Only metrics are reached from outside; names and TCP are all that is spoken to others.

    A NetworkPolicy names no API server, an external database may be anywhere, and addresses name
    neither pods nor nodes where Cilium is the network (cilium#9209, cilium#20550).
    """
    return {
        "apiVersion": kinds.NETWORK_POLICY.api_version,
        "kind": "NetworkPolicy",
        "metadata": _metadata(wanted),
        "spec": {
            "podSelector": {"matchLabels": dict(order.SELECTOR)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {}}],
                    "ports": [{"port": PORT, "protocol": "TCP"}],
                }
            ],
            "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"protocol": "TCP"}]}],
        },
    }


def budget(wanted: order.Order) -> Object:
    """One at a time is evicted; with one replica a drain does not wait for ever."""
    return {
        "apiVersion": kinds.POD_DISRUPTION_BUDGET.api_version,
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(wanted),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": dict(order.SELECTOR)}},
    }


def monitor(wanted: order.Order) -> Object:
    """How Prometheus' operator finds the metrics; only where a cluster has it."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": _metadata(wanted),
        "spec": {
            "selector": {"matchLabels": dict(order.SELECTOR)},
            "endpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
        },
    }


def deployment(wanted: order.Order) -> Object:
    """The controllers: one works, the others stand by."""
    return {
        "apiVersion": kinds.DEPLOYMENT.api_version,
        "kind": "Deployment",
        "metadata": _metadata(wanted),
        "spec": {
            "replicas": wanted.replicas,
            "selector": {"matchLabels": dict(order.SELECTOR)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": {
                "metadata": {"labels": wanted.labels(order.NAME)},
                "spec": _pod(wanted),
            },
        },
    }


def _metadata(wanted: order.Order) -> dict[str, Any]:
    labels = wanted.labels(order.NAME)
    return {"name": order.NAME, "namespace": wanted.namespace, "labels": labels}


def _pod(wanted: order.Order) -> Object:
    apart = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(order.SELECTOR)},
    }
    return {
        "serviceAccountName": order.NAME,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "priorityClassName": order.NAME,
        "terminationGracePeriodSeconds": 30,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "topologySpreadConstraints": [apart],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": accounts.OURANOS,
            "runAsGroup": accounts.OURANOS,
            "fsGroup": accounts.OURANOS,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(wanted)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _container(wanted: order.Order) -> Object:
    return {
        "name": "controllers",
        "image": wanted.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(PROCESS),
        "env": _environment(wanted),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": _probe("/healthz", period=1, failures=60),
        "livenessProbe": _probe("/healthz", period=10, failures=6),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the container's own
    }


def _environment(wanted: order.Order) -> list[Object]:
    if not wanted.images:
        return []
    return [{"name": "OURANOS_IMAGES", "value": wanted.images.rstrip("/")}]


def _probe(path: str, *, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }
