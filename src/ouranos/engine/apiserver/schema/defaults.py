"""What each of Kubernetes' own kinds gets that its author left out; asked on every write.

The values are those of Kubernetes' own defaulting (pkg/apis/*/v1/defaults.go) and of what its
strategies and conversions add on a write: a Job's selector, a Secret's `stringData`.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, cast

from ouranos.engine.apiserver.schema import formats, pods
from ouranos.engine.apiserver.schema.pods import items, own, part

Object = dict[str, Any]

_QUARTER = "25%"
_MAXIMUM_INT32 = 2**31 - 1
_JOB_NAMES = ("job-name", "batch.kubernetes.io/job-name")
_JOB_UIDS = ("controller-uid", "batch.kubernetes.io/controller-uid")
_RBAC = "rbac.authorization.k8s.io"


def _filled(value: Object, defaults: Mapping[str, Any]) -> None:
    for key, default in defaults.items():
        value.setdefault(key, default)


def _spec(obj: Object) -> Object:
    return own(obj, "spec")


def _status(obj: Object) -> Object:
    return own(obj, "status")


def _unsaid(part: Object, key: str) -> None:
    """Leave out a false that Go leaves out."""
    if part.get(key) is False:
        del part[key]


def _deployment(obj: Object) -> None:
    spec = _spec(obj)
    _unsaid(spec, "paused")
    _filled(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = own(spec, "strategy")
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = own(strategy, "rollingUpdate")
        _filled(rolling, {"maxUnavailable": _QUARTER, "maxSurge": _QUARTER})
    pods.template(spec)
    _status(obj)


def _replica_set(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    pods.template(spec)
    _status(obj).setdefault("replicas", 0)


def _daemon_set(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = own(spec, "updateStrategy")
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = own(strategy, "rollingUpdate")
        _filled(rolling, {"maxUnavailable": 1, "maxSurge": 0})
    pods.template(spec)
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled")
    _filled(_status(obj), {**dict.fromkeys(counts, 0), "numberReady": 0})


def _stateful_set(obj: Object) -> None:
    spec = _spec(obj)
    _filled(spec, {"replicas": 1, "revisionHistoryLimit": 10})
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = own(spec, "updateStrategy")
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    rolling = part(strategy, "rollingUpdate")
    if strategy["type"] == "RollingUpdate" and rolling is not None:
        rolling.setdefault("partition", 0)
    retention = own(spec, "persistentVolumeClaimRetentionPolicy")
    _filled(retention, {"whenDeleted": "Retain", "whenScaled": "Retain"})
    pods.template(spec)
    for claim in items(spec.get("volumeClaimTemplates")):
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("apiVersion", "v1")
        _claim(claim)
    _filled(_status(obj), {"replicas": 0, "availableReplicas": 0})


def _job_spec(spec: Object) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    indexed = "backoffLimitPerIndex" in spec
    spec.setdefault("backoffLimit", _MAXIMUM_INT32 if indexed else 6)
    _filled(spec, {"completionMode": "NonIndexed", "suspend": False, "manualSelector": False})
    replacement = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    pods.template(spec)
    policy = part(spec, "podFailurePolicy") or {}
    for rule in items(policy.get("rules")):
        for pattern in items(rule.get("onPodConditions")):
            pattern.setdefault("status", "True")


def _job(obj: Object) -> None:
    spec = _spec(obj)
    metadata = own(obj, "metadata")
    template = own(spec, "template")
    inner = own(template, "metadata")
    lent = bool(inner.get("labels")) and not metadata.get("labels")
    _job_spec(spec)
    uid = metadata.get("uid")
    if uid and metadata.get("name") and not spec["manualSelector"]:
        labels = own(inner, "labels")
        _filled(labels, dict.fromkeys(_JOB_NAMES, metadata["name"]))
        _filled(labels, dict.fromkeys(_JOB_UIDS, uid))
        selector = own(spec, "selector")
        wanted = own(selector, "matchLabels")
        wanted.setdefault(_JOB_UIDS[1], uid)
    if lent:
        metadata["labels"] = dict(own(inner, "labels"))
    _status(obj)


def _cron_job(obj: Object) -> None:
    spec = _spec(obj)
    _filled(spec, {"concurrencyPolicy": "Allow", "suspend": False})
    _filled(spec, {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
    job = own(spec, "jobTemplate")
    job.setdefault("metadata", {})
    pods.template(own(job, "spec"))
    _status(obj)


def _pod(obj: Object) -> None:
    pods.pod(obj)
    _status(obj).setdefault("phase", "Pending")
    _status(obj).setdefault("qosClass", _quality(_spec(obj)))


def _quality(spec: Object) -> str:
    """Name the quality of service that requests and limits of a pod's containers amount to."""
    guaranteed = True
    anything = False
    for container in items(spec.get("containers")) + items(spec.get("initContainers")):
        resources = part(container, "resources") or {}
        requests = part(resources, "requests") or {}
        limits = part(resources, "limits") or {}
        anything = anything or bool(requests or limits)
        for name in ("cpu", "memory"):
            guaranteed = guaranteed and name in limits and requests.get(name) == limits[name]
    if not anything:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _service(obj: Object) -> None:
    spec = _spec(obj)
    _unsaid(spec, "publishNotReadyAddresses")
    _filled(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        affinity = own(spec, "sessionAffinityConfig")
        own(affinity, "clientIP").setdefault("timeoutSeconds", 10800)
    for port in items(spec.get("ports")):
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort") and "port" in port:
            port["targetPort"] = port["port"]
    balancer = own(_status(obj), "loadBalancer")
    _filled(spec, _BY_TYPE.get(str(spec["type"]), {}))
    for ingress in items(balancer.get("ingress")) if spec["type"] == "LoadBalancer" else ():
        if ingress.get("ip"):
            ingress.setdefault("ipMode", "VIP")


_INTERNAL = {"internalTrafficPolicy": "Cluster"}
_EXTERNAL = {**_INTERNAL, "externalTrafficPolicy": "Cluster"}
_BY_TYPE: Mapping[str, Object] = {
    "ClusterIP": _INTERNAL,
    "NodePort": _EXTERNAL,
    "LoadBalancer": {**_EXTERNAL, "allocateLoadBalancerNodePorts": True},
}


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    texts = obj.pop("stringData", None)
    if type(texts) is dict:
        data = own(obj, "data")
        for key, text in cast("Object", texts).items():
            if key not in data or formats.is_base64(data[key]):
                data[key] = base64.b64encode(str(text).encode()).decode()


def _claim(obj: Object) -> None:
    _spec(obj).setdefault("volumeMode", "Filesystem")
    _status(obj).setdefault("phase", "Pending")


def _volume(obj: Object) -> None:
    _filled(_spec(obj), {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
    _status(obj).setdefault("phase", "Pending")


def _namespace(obj: Object) -> None:
    metadata = own(obj, "metadata")
    if metadata.get("name"):
        labels = own(metadata, "labels")
        labels["kubernetes.io/metadata.name"] = metadata["name"]
    spec = own(obj, "spec")
    spec.setdefault("finalizers", ["kubernetes"])
    _status(obj).setdefault("phase", "Active")


def _node(obj: Object) -> None:
    obj.setdefault("spec", {})
    status = _status(obj)
    if "allocatable" not in status and "capacity" in status:
        status["allocatable"] = dict(own(status, "capacity"))


def _endpoint_slice(obj: Object) -> None:
    for port in items(obj.get("ports")):
        _filled(port, {"name": "", "protocol": "TCP"})


def _endpoints(obj: Object) -> None:
    for subset in items(obj.get("subsets")):
        for port in items(subset.get("ports")):
            port.setdefault("protocol", "TCP")


def _storage_class(obj: Object) -> None:
    _filled(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def _priority_class(obj: Object) -> None:
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _binding(obj: Object) -> None:
    reference = part(obj, "roleRef")
    if reference is not None:
        reference["apiGroup"] = reference.get("apiGroup") or _RBAC
    for subject in items(obj.get("subjects")):
        if subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = subject.get("apiGroup") or _RBAC


def _network_policy(obj: Object) -> None:
    spec = _spec(obj)
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in items(spec.get("ingress")) + items(spec.get("egress")):
        for port in items(rule.get("ports")):
            port.setdefault("protocol", "TCP")


def _match(resources: Object) -> None:
    _filled(resources, {"matchPolicy": "Equivalent"})
    for key in ("namespaceSelector", "objectSelector"):
        own(resources, key)
    for key in ("resourceRules", "excludeResourceRules"):
        for rule in items(resources.get(key)):
            rule.setdefault("scope", "*")


def _policy(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("failurePolicy", "Fail")
    matched = part(spec, "matchConstraints")
    if matched is not None:
        _match(matched)
    _status(obj)


def _policy_binding(obj: Object) -> None:
    spec = _spec(obj)
    matched = part(spec, "matchResources")
    if matched is not None:
        _match(matched)


def _disruption_budget(obj: Object) -> None:
    obj.setdefault("spec", {})
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    _filled(_status(obj), dict.fromkeys(counts, 0))


def _definition(obj: Object) -> None:
    """Fill in a CustomResourceDefinition: names, conversion, no preservation of unknown fields."""
    spec = _spec(obj)
    spec.setdefault("conversion", {"strategy": "None"})
    names = own(spec, "names")
    if names.get("kind"):
        names.setdefault("singular", str(names["kind"]).lower())
        names.setdefault("listKind", f"{names['kind']}List")


DEFAULTS: Mapping[str, Callable[[Object], None]] = {
    "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy": _policy,
    "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": _policy_binding,
    "apiextensions.k8s.io/v1 CustomResourceDefinition": _definition,
    "apps/v1 DaemonSet": _daemon_set,
    "apps/v1 Deployment": _deployment,
    "apps/v1 ReplicaSet": _replica_set,
    "apps/v1 StatefulSet": _stateful_set,
    "batch/v1 CronJob": _cron_job,
    "batch/v1 Job": _job,
    "discovery.k8s.io/v1 EndpointSlice": _endpoint_slice,
    "networking.k8s.io/v1 NetworkPolicy": _network_policy,
    "policy/v1 PodDisruptionBudget": _disruption_budget,
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": _binding,
    "rbac.authorization.k8s.io/v1 RoleBinding": _binding,
    "scheduling.k8s.io/v1 PriorityClass": _priority_class,
    "storage.k8s.io/v1 StorageClass": _storage_class,
    "v1 Endpoints": _endpoints,
    "v1 Namespace": _namespace,
    "v1 Node": _node,
    "v1 PersistentVolume": _volume,
    "v1 PersistentVolumeClaim": _claim,
    "v1 Pod": _pod,
    "v1 Secret": _secret,
    "v1 Service": _service,
}
"""What fills in each kind; a kind that is not listed gets nothing."""
