"""What a pod gets that its author left out; asked for pods and for every template of pods.

The values are those of Kubernetes' own defaulting (pkg/apis/core/v1/defaults.go).
"""

from typing import Any, cast

Object = dict[str, Any]

_LATEST = "latest"
_FILE_MODE = 0o644
_TOKEN_SECONDS = 3600


def items(value: Any) -> list[Object]:
    """Return the objects of a list that may be absent; anything else is left to validation."""
    if type(value) is not list:
        return []
    return [cast("Object", one) for one in cast("list[Any]", value) if type(one) is dict]


def part(value: Object, key: str) -> Object | None:
    """Return an object's own object if it is there."""
    found = value.get(key)
    return cast("Object", found) if type(found) is dict else None


def own(value: Object, key: str) -> Object:
    """Return an object's own object, made if absent; an unused one where something else stands.

    Defaulting comes before validation, so it must pass over what validation will refuse.
    """
    found = value.setdefault(key, {})
    return cast("Object", found) if type(found) is dict else {}


def template(value: Object) -> None:
    """Fill in the template of pods that a workload's spec holds."""
    inner = own(value, "template")
    own(inner, "metadata")
    spec(own(inner, "spec"))


def spec(pod: Object) -> None:
    """Fill in what a pod and a template of pods have in common."""
    pod.setdefault("restartPolicy", "Always")
    pod.setdefault("dnsPolicy", "ClusterFirst")
    pod.setdefault("terminationGracePeriodSeconds", 30)
    grace = pod["terminationGracePeriodSeconds"]
    if type(grace) is int and grace < 0:
        pod["terminationGracePeriodSeconds"] = 1
    pod.setdefault("schedulerName", "default-scheduler")
    pod.setdefault("securityContext", {})
    account = pod.get("serviceAccountName") or pod.get("serviceAccount")
    if account:
        pod["serviceAccountName"] = pod["serviceAccount"] = account
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for one in items(pod.get(key)):
            _container(one)
    for volume in items(pod.get("volumes")):
        _volume(volume)
    for constraint in items(pod.get("topologySpreadConstraints")):
        constraint.setdefault("whenUnsatisfiable", "DoNotSchedule")


def pod(value: Object) -> None:
    """Fill in what only a pod has: requests from limits, host ports, its first status."""
    own = part(value, "spec")
    if own is None:
        return
    own.setdefault("enableServiceLinks", True)
    for key in ("initContainers", "containers"):
        for one in items(own.get(key)):
            resources = part(one, "resources") or {}
            limits = part(resources, "limits")
            if limits is not None:
                resources["requests"] = {**limits, **(part(resources, "requests") or {})}
            if own.get("hostNetwork"):
                for port in items(one.get("ports")):
                    port["hostPort"] = port.get("hostPort") or port.get("containerPort")
    spec(own)


def latest(image: str) -> bool:
    """Whether an image is the one that moves: tagged so, or neither tagged nor pinned."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return name == name.strip() != "" and (tag == _LATEST or (not tag and not digest))


def _container(value: Object) -> None:
    if "imagePullPolicy" not in value:
        image = str(value.get("image", ""))
        value["imagePullPolicy"] = "Always" if latest(image) else "IfNotPresent"
    value.setdefault("terminationMessagePath", "/dev/termination-log")
    value.setdefault("terminationMessagePolicy", "File")
    value.setdefault("resources", {})
    for port in items(value.get("ports")):
        port.setdefault("protocol", "TCP")
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = part(value, key)
        if probe is not None:
            _probe(probe)
    lifecycle = part(value, "lifecycle") or {}
    for key in ("postStart", "preStop"):
        _handler(part(lifecycle, key) or {})
    for variable in items(value.get("env")):
        if variable.get("value") == "":
            del variable["value"]  # Go leaves it out; a variable without a value is empty
        _field(part(variable, "valueFrom") or {})


def _probe(value: Object) -> None:
    for key, default in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not value.get(key):
            value[key] = default
    _handler(value)


def _handler(value: Object) -> None:
    http = part(value, "httpGet")
    if http is not None:
        http["path"] = http.get("path") or "/"
        http["scheme"] = http.get("scheme") or "HTTP"
    grpc = part(value, "grpc")
    if grpc is not None:
        grpc.setdefault("service", "")


def _volume(value: Object) -> None:
    if len(value) == 1 and "name" in value:
        value["emptyDir"] = {}
    for key in ("configMap", "secret", "downwardAPI", "projected"):
        source = part(value, key)
        if source is not None:
            source.setdefault("defaultMode", _FILE_MODE)
            _fields(source)
    host = part(value, "hostPath")
    if host is not None:
        host.setdefault("type", "")
    projected = part(value, "projected") or {}
    for source in items(projected.get("sources")):
        token = part(source, "serviceAccountToken")
        if token is not None:
            token.setdefault("expirationSeconds", _TOKEN_SECONDS)
        _fields(part(source, "downwardAPI") or {})
    ephemeral = part(value, "ephemeral") or {}
    claim = part(ephemeral, "volumeClaimTemplate") or {}
    own = part(claim, "spec")
    if own is not None:
        own.setdefault("volumeMode", "Filesystem")


def _fields(source: Object) -> None:
    for item in items(source.get("items")):
        _field(item)


def _field(source: Object) -> None:
    field = part(source, "fieldRef")
    if field is not None:
        field.setdefault("apiVersion", "v1")
