"""Is a pod's specification acceptable? Asked for pods and for every template of pods.

The rules and words are those of Kubernetes' own validation (pkg/apis/core/validation), as far as a
pod that this engine can run may break them.
"""

import re
from collections.abc import Iterable
from typing import Any

from ouranos.engine import quantities
from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import metadata
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]

_HIGHEST_PORT = 65535
_PORT_NAME_LIMIT = 15
_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_ENVIRONMENT = re.compile(r"[ -<>-~]+\Z")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESTARTS = ("Always", "OnFailure", "Never")
_PULLS = ("Always", "IfNotPresent", "Never")
_MESSAGES = ("File", "FallbackToLogsOnError")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_NUMBERS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
    "failureThreshold",
)  # fmt: skip


def one_of(value: Any, allowed: Iterable[str], field: str) -> list[Cause]:
    """Check a value that is one of a few words."""
    return [] if value in allowed else [causes.not_supported(field, value, allowed)]


def not_negative(value: Object, key: str, field: str) -> list[Cause]:
    """Check a number that may be absent."""
    number = value.get(key)
    if number is None or number >= 0:
        return []
    where = f"{field}.{key}".removeprefix(".")
    return [causes.invalid(where, number, "must be greater than or equal to 0")]


def port_number(value: Any, field: str) -> list[Cause]:
    """Check a port's number."""
    if type(value) is int and 1 <= value <= _HIGHEST_PORT:
        return []
    detail = f"must be between 1 and {_HIGHEST_PORT}, inclusive"
    return [causes.invalid(field, value, detail)]


def port_name(value: str, field: str) -> list[Cause]:
    """Check a port's name (an IANA service name)."""
    found: list[str] = []
    if len(value) > _PORT_NAME_LIMIT:
        found.append(f"must be no more than {_PORT_NAME_LIMIT} characters")
    if not _PORT_NAME.match(value):
        found.append(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
            if re.search(r"[^a-z0-9-]", value)
            else "must not begin or end with a hyphen"
        )
    if not re.search("[a-z]", value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    return [causes.invalid(field, value, text) for text in found]


def port(value: Any, field: str) -> list[Cause]:
    """Check a port that is a number or a name."""
    return port_name(value, field) if type(value) is str else port_number(value, field)


def spec(pod: Object, field: str) -> list[Cause]:
    """Check the specification of a pod that has its defaults."""
    found: list[Cause] = []
    volumes = _volumes(items(pod.get("volumes")), f"{field}.volumes", found)
    names: set[str] = set()
    if not pod.get("containers"):
        found.append(causes.required(f"{field}.containers"))
    for key in ("containers", "initContainers"):
        for index, container in enumerate(items(pod.get(key))):
            where = f"{field}.{key}[{index}]"
            _name(container, names, where, found)
            _container(container, volumes, where, found, first=key == "initContainers")
    found += one_of(pod.get("restartPolicy"), _RESTARTS, f"{field}.restartPolicy")
    found += one_of(pod.get("dnsPolicy"), _DNS, f"{field}.dnsPolicy")
    found += not_negative(pod, "terminationGracePeriodSeconds", field)
    deadline = pod.get("activeDeadlineSeconds")
    if deadline is not None and deadline < 1:
        detail = f"must be between 1 and {2**31 - 1}, inclusive"
        found.append(causes.invalid(f"{field}.activeDeadlineSeconds", deadline, detail))
    if pod.get("nodeSelector"):
        found += metadata.labels(pod["nodeSelector"], f"{field}.nodeSelector")
    account = pod.get("serviceAccountName")
    if account:
        where = f"{field}.serviceAccountName"
        found += [causes.invalid(where, account, text) for text in metadata.subdomain(account)]
    if pod.get("hostNetwork"):
        _host_ports(pod, field, found)
    return found


def _host_ports(pod: Object, field: str, found: list[Cause]) -> None:
    for index, container in enumerate(items(pod.get("containers"))):
        for at, one in enumerate(items(container.get("ports"))):
            where = f"{field}.containers[{index}].ports[{at}].hostPort"
            if one.get("hostPort") and one["hostPort"] != one.get("containerPort"):
                detail = "must match `containerPort` when `hostNetwork` is true"
                found.append(causes.invalid(where, one["hostPort"], detail))


def _name(value: Object, names: set[str], field: str, found: list[Cause]) -> None:
    name = value.get("name")
    if not name:
        found.append(causes.required(f"{field}.name"))
        return
    found += [causes.invalid(f"{field}.name", name, text) for text in metadata.label(name)]
    if name in names:
        found.append(causes.duplicate(f"{field}.name", name))
    names.add(name)


def _volumes(volumes: list[Object], field: str, found: list[Cause]) -> set[str]:
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{field}[{index}]"
        _name(volume, names, where, found)
        sources = [key for key in volume if key != "name"]
        if not sources:
            found.append(causes.required(where, "must specify a volume type"))
        found += [
            causes.forbidden(f"{where}.{key}", "may not specify more than 1 volume type")
            for key in sources[1:]
        ]
        _source(volume, where, found)
    return names


def _source(volume: Object, field: str, found: list[Cause]) -> None:
    for key, name in (
        ("secret", "secretName"),
        ("configMap", "name"),
        ("hostPath", "path"),
        ("persistentVolumeClaim", "claimName"),
    ):
        source = part(volume, key)
        if source is None:
            continue
        if not source.get(name):
            found.append(causes.required(f"{field}.{key}.{name}"))
        mode = source.get("defaultMode")
        if mode is not None and not 0 <= mode <= 0o777:  # noqa: PLR2004
            detail = "must be a number between 0 and 0777 (octal), both inclusive"
            found.append(causes.invalid(f"{field}.{key}.defaultMode", mode, detail))
        for index, item in enumerate(items(source.get("items"))):
            found += [
                causes.required(f"{field}.{key}.items[{index}].{part_}")
                for part_ in ("key", "path")
                if not item.get(part_)
            ]


def _container(
    value: Object, volumes: set[str], field: str, found: list[Cause], *, first: bool
) -> None:
    if not value.get("image"):
        found.append(causes.required(f"{field}.image"))
    elif value["image"] != value["image"].strip():
        detail = "must not have leading or trailing whitespace"
        found.append(causes.invalid(f"{field}.image", value["image"], detail))
    found += one_of(value.get("imagePullPolicy"), _PULLS, f"{field}.imagePullPolicy")
    found += one_of(
        value.get("terminationMessagePolicy"), _MESSAGES, f"{field}.terminationMessagePolicy"
    )
    if value.get("ports"):
        _ports(items(value["ports"]), f"{field}.ports", found)
    for index, variable in enumerate(items(value.get("env"))):
        _variable(variable, f"{field}.env[{index}]", found)
    if value.get("volumeMounts"):
        _mounts(items(value["volumeMounts"]), volumes, f"{field}.volumeMounts", found)
    if value.get("resources"):
        _resources(value["resources"], f"{field}.resources", found)
    _probes(value, field, found, first=first)


def _probes(value: Object, field: str, found: list[Cause], *, first: bool) -> None:
    sidecar = value.get("restartPolicy") == "Always"
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = part(value, key)
        if probe is None:
            continue
        if first and not sidecar:
            detail = "may not be set for init containers without restartPolicy=Always"
            found.append(causes.forbidden(f"{field}.{key}", detail))
        else:
            _probe(probe, f"{field}.{key}", found, single=key != "readinessProbe")


def _ports(ports: list[Object], field: str, found: list[Cause]) -> None:
    names: set[str] = set()
    for index, one in enumerate(ports):
        where = f"{field}[{index}]"
        name = one.get("name")
        if name:
            wrong = port_name(name, f"{where}.name")
            found += wrong
            if not wrong and name in names:
                found.append(causes.duplicate(f"{where}.name", name))
            names.add(name)
        if not one.get("containerPort"):
            found.append(causes.required(f"{where}.containerPort"))
        else:
            found += port_number(one["containerPort"], f"{where}.containerPort")
        if one.get("hostPort"):
            found += port_number(one["hostPort"], f"{where}.hostPort")
        found += one_of(one.get("protocol"), _PROTOCOLS, f"{where}.protocol")


def _variable(value: Object, field: str, found: list[Cause]) -> None:
    name = value.get("name")
    if not name:
        found.append(causes.required(f"{field}.name"))
    elif not _ENVIRONMENT.match(name):
        detail = (
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        )
        found.append(causes.invalid(f"{field}.name", name, detail))
    source = part(value, "valueFrom")
    if source is None:
        return
    if value.get("value"):
        detail = "may not be specified when `value` is not empty"
        found.append(causes.invalid(f"{field}.valueFrom", "", detail))
    if not source:
        detail = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
            "`secretKeyRef` or `fileKeyRef`"
        )
        found.append(causes.invalid(f"{field}.valueFrom", "", detail))
    for key in ("configMapKeyRef", "secretKeyRef"):
        reference = part(source, key)
        if reference is not None and not reference.get("key"):
            found.append(causes.required(f"{field}.valueFrom.{key}.key"))


def _mounts(mounts: list[Object], volumes: set[str], field: str, found: list[Cause]) -> None:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{field}[{index}]"
        name, path = mount.get("name"), mount.get("mountPath")
        if not name:
            found.append(causes.required(f"{where}.name"))
        if name not in volumes:
            found.append(causes.not_found(f"{where}.name", name or ""))
        if not path:
            found.append(causes.required(f"{where}.mountPath"))
        elif path in paths:
            found.append(causes.invalid(f"{where}.mountPath", path, "must be unique"))
        paths.add(str(path))
        inner = mount.get("subPath", "")
        if inner.startswith("/"):
            found.append(causes.invalid(f"{field}.subPath", inner, "must be a relative path"))
        if ".." in inner.split("/"):
            found.append(causes.invalid(f"{field}.subPath", inner, "must not contain '..'"))


def _resources(value: Object, field: str, found: list[Cause]) -> None:
    limits = part(value, "limits") or {}
    requests = part(value, "requests") or {}
    for key, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            found += quantity(amount, f"{field}.{key}[{name}]")
    for name, amount in requests.items():
        limit = quantities.parse(str(limits[name])) if name in limits else None
        wanted = quantities.parse(str(amount))
        if limit is not None and wanted is not None and wanted > limit:
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            found.append(causes.invalid(f"{field}.requests", str(amount), detail))


def quantity(value: Any, field: str) -> list[Cause]:
    """Check a resource quantity."""
    amount = quantities.parse(str(value))
    if amount is None:
        detail = (
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
        return [causes.invalid(field, value, detail)]
    if amount < 0:
        return [causes.invalid(field, value, "must be greater than or equal to 0")]
    return []


def _probe(value: Object, field: str, found: list[Cause], *, single: bool) -> None:
    handlers = [key for key in _HANDLERS if key in value]
    if not handlers:
        found.append(causes.required(field, "must specify a handler type"))
    found += [
        causes.forbidden(f"{field}.{key}", "may not specify more than 1 handler type")
        for key in handlers[1:]
    ]
    for key in ("httpGet", "tcpSocket", "grpc"):
        handler = part(value, key)
        if handler is not None:
            found += port(handler.get("port", 0), f"{field}.{key}.port")
    command = part(value, "exec")
    if command is not None and not command.get("command"):
        found.append(causes.required(f"{field}.exec.command"))
    for key in _NUMBERS:
        found += not_negative(value, key, field)
    if single and value.get("successThreshold", 1) != 1:
        where = f"{field}.successThreshold"
        found.append(causes.invalid(where, value["successThreshold"], "must be 1"))


_UPDATABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_FREE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")


def update(pod: Object, old: Object) -> list[Cause]:
    """Check a change of a pod's specification: nearly nothing of it may change.

    A pod that has no node yet may be given one; Kubernetes does that by the binding subresource.
    """
    found: list[Cause] = []
    for key in ("containers", "initContainers"):
        if len(items(pod.get(key))) != len(items(old.get(key))):
            detail = "pod updates may not add or remove containers"
            found.append(causes.forbidden(f"spec.{key}", detail))
    if found:
        return found
    free = _FREE if old.get("nodeName") else (*_FREE, "nodeName")
    before, after = _fixed(old, free), _fixed(pod, free)
    if before != after:
        changed = sorted(key for key in {**before, **after} if before.get(key) != after.get(key))
        detail = f"pod updates may not change fields other than {_UPDATABLE}\n{', '.join(changed)}"
        found.append(causes.forbidden("spec", detail))
    return found


def _fixed(pod: Object, free: Iterable[str]) -> Object:
    fixed = {key: value for key, value in pod.items() if key not in free}
    for key in ("containers", "initContainers"):
        if key in fixed:
            fixed[key] = [
                {name: value for name, value in one.items() if name != "image"}
                for one in items(fixed[key])
            ]
    if fixed.get("terminationGracePeriodSeconds", 0) < 0:
        fixed["terminationGracePeriodSeconds"] = 1
    return fixed
