"""Which further rules must objects of Kubernetes' own kinds satisfy, beyond their structure?"""

from collections.abc import Callable, Mapping
from typing import Any

from ouranos.engine.apiserver.schema import (
    accesschecks,
    corechecks,
    definitionchecks,
    metadata,
    podchecks,
    servicechecks,
    workloadchecks,
)
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import part

Object = dict[str, Any]
Check = Callable[[Object, "Object | None"], list[Cause]]
Syntax = Callable[[str], list[str]]


def _pod(obj: Object, old: Object | None) -> list[Cause]:
    spec = part(obj, "spec") or {}
    found = podchecks.spec(spec, "spec")
    return found if old is None else found + podchecks.update(spec, part(old, "spec") or {})


CHECKS: Mapping[str, Check] = {
    "apiextensions.k8s.io/v1 CustomResourceDefinition": definitionchecks.definition,
    "apps/v1 ControllerRevision": corechecks.revision,
    "apps/v1 DaemonSet": workloadchecks.daemon_set,
    "apps/v1 Deployment": workloadchecks.deployment,
    "apps/v1 ReplicaSet": workloadchecks.replica_set,
    "apps/v1 StatefulSet": workloadchecks.stateful_set,
    "batch/v1 CronJob": workloadchecks.cron_job,
    "batch/v1 Job": workloadchecks.job,
    "coordination.k8s.io/v1 Lease": corechecks.lease,
    "discovery.k8s.io/v1 EndpointSlice": corechecks.endpoint_slice,
    "networking.k8s.io/v1 NetworkPolicy": accesschecks.network_policy,
    "policy/v1 PodDisruptionBudget": corechecks.disruption_budget,
    "rbac.authorization.k8s.io/v1 ClusterRole": accesschecks.cluster_role,
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": accesschecks.cluster_role_binding,
    "rbac.authorization.k8s.io/v1 Role": accesschecks.role,
    "rbac.authorization.k8s.io/v1 RoleBinding": accesschecks.role_binding,
    "scheduling.k8s.io/v1 PriorityClass": corechecks.priority_class,
    "storage.k8s.io/v1 StorageClass": corechecks.storage_class,
    "v1 ConfigMap": corechecks.config_map,
    "v1 PersistentVolume": corechecks.volume,
    "v1 PersistentVolumeClaim": corechecks.claim,
    "v1 Pod": _pod,
    "v1 Secret": corechecks.secret,
    "v1 Service": servicechecks.check,
}
"""What checks each kind; a kind that is not listed is checked by its structure alone."""

_SYNTAX: Mapping[str, Syntax] = {
    "rbac.authorization.k8s.io/v1 ClusterRole": metadata.path_segment,
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": metadata.path_segment,
    "rbac.authorization.k8s.io/v1 Role": metadata.path_segment,
    "rbac.authorization.k8s.io/v1 RoleBinding": metadata.path_segment,
    "v1 Namespace": metadata.label,
    "v1 Service": metadata.label,
}


def syntax(kind: str) -> Syntax:
    """Return what says why a name is not one for a kind."""
    return _SYNTAX.get(kind, metadata.subdomain)
