"""What does a server of one instance with data of its own consist of? Pure: parts to objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ouranos.backing import accounts
from ouranos.kit import objects, scheduling
from ouranos.kit.objects import Object

CREDENTIALS: Final = "ouranos.cloud/credentials"
"""A pod's annotation that changes with the Secret it reads, so that it restarts with a new one."""

_START_SECONDS: Final = 900
_CPU_LIMIT: Final = "8"
"""A fuse: a server that is held back holds back all services."""
POD_IP: Final[Object] = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
"""By this a server listens on its pod's address alone, never on every address of a node."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a server offers, and the Service by which it is found."""

    name: str
    number: int
    service: str = ""
    """What is added to the server's name to get the Service's."""
    field: str = "port"
    """What the port of a server that somebody else runs is called in its spec."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Where a container finds a volume of its pod."""

    name: str
    path: str
    read_only: bool = False


CONFIG: Final = Volume("config", "/etc/ouranos", read_only=True)
"""The server's configuration files and scripts, where it has any."""
SECRET: Final = Volume("secret", "/etc/ouranos-secret", read_only=True)
"""Those keys of the Secret of its own account that it reads as files."""
TMP: Final = Volume("tmp", "/tmp")  # noqa: S108 - the container's own


@dataclass(frozen=True, slots=True)
class Container:
    """One process of a server. It has no capability, no new privileges and a read-only root."""

    name: str
    command: tuple[str, ...]
    volumes: tuple[Volume, ...] = ()
    variables: tuple[Object, ...] = ()
    port: Port | None = None
    check: tuple[str, ...] = ()
    """A cheap command that tells whether it works, where there is no port to knock at."""
    memory: str = "64Mi"
    """What is reserved for it; it may take up to `limit`."""
    limit: str = "1Gi"
    cpu: str = "10m"


def initialise(*volumes: Volume) -> Container:
    """Return the container that runs the server's `initialise.sh` to its end, before the others."""
    return Container("initialise", ("sh", f"{CONFIG.path}/initialise.sh"), (CONFIG, *volumes))


@dataclass(frozen=True, slots=True)
class Pod:
    """The one pod of a server."""

    uid: int
    containers: tuple[Container, ...]
    first: tuple[Container, ...] = ()
    """Containers that run to their end before."""
    scratch: tuple[str, ...] = ()
    """Volumes that live as long as the pod, besides the one that every container has as `TMP`."""
    grace: int = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose objects these are, and what they are called."""

    name: str
    namespace: str

    @property
    def selector(self) -> dict[str, str]:
        """Labels that only the server's pods have."""
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/component": "server"}

    def metadata(self, name: str = "") -> Object:
        """Return the metadata of one of the server's objects; its own name by default."""
        labels = {
            "app.kubernetes.io/managed-by": "ouranos",
            "app.kubernetes.io/part-of": self.namespace,
            **self.selector,
        }
        return {"name": name or self.name, "namespace": self.namespace, "labels": labels}


@dataclass(frozen=True, slots=True)
class Sources:
    """What a server's pod is made from."""

    image: str
    config: str
    """Name of the ConfigMap that is mounted as the volume `config`."""
    secret: str = ""
    """Name of the Secret that is mounted as the volume `secret`."""
    secret_items: tuple[str, ...] = ()
    """The keys of it that become files."""
    secret_digest: str = ""
    storage: str = ""
    """Size of the volume `data`; without it there is none."""
    storage_class: str = ""
    """The StorageClass that makes the volume; the cluster's default where empty."""
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


def config_map(identity: Identity, data: Mapping[str, str]) -> Object:
    """Return an immutable ConfigMap that is named after its content."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": identity.metadata(objects.content_name(f"{identity.name}-config", data)),
        "immutable": True,
        "data": dict(data),
    }


def secret(identity: Identity, name: str, data: Mapping[str, str]) -> Object:
    """Return an immutable Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": identity.metadata(name),
        "immutable": True,
        "type": "Opaque",
        "data": {key: accounts.encoded(value) for key, value in data.items()},
    }


def services(identity: Identity, ports: Sequence[Port]) -> list[Object]:
    """Return one Service for each name that the ports ask for."""
    by_name: dict[str, list[Object]] = {}
    for port in ports:
        entry = {
            "name": port.name,
            "port": port.number,
            "targetPort": port.number,
            "protocol": "TCP",
        }
        by_name.setdefault(identity.name + port.service, []).append(entry)
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": identity.metadata(name),
            "spec": {"type": "ClusterIP", "selector": identity.selector, "ports": entries},
        }
        for name, entries in by_name.items()
    ]


def budget(identity: Identity) -> Object:
    """Return the budget by which nobody evicts the only instance in passing."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": identity.metadata(),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": identity.selector}},
    }


def stateful_set(identity: Identity, pod: Pod, sources: Sources) -> Object:
    """Return the StatefulSet that keeps the one pod running, on the one volume that is its own."""
    annotations = dict(sources.annotations)
    if sources.secret_digest:
        annotations[CREDENTIALS] = sources.secret_digest
    spec: Object = {
        "replicas": 1,
        # Ordered, a pod that cannot start would be waited for, and its mended template never tried.
        "podManagementPolicy": "Parallel",
        "serviceName": identity.name,
        "selector": {"matchLabels": identity.selector},
        "template": {
            "metadata": {"labels": identity.metadata()["labels"], "annotations": annotations},
            "spec": _pod(pod, sources)
            | scheduling.on_control_plane(identity.selector, scheduling.BACKING_CLASS),
        },
    }
    if sources.storage:
        named = {"storageClassName": sources.storage_class} if sources.storage_class else {}
        spec["volumeClaimTemplates"] = [
            {
                "metadata": {"name": "data", "labels": identity.selector},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": sources.storage}},
                    **named,
                },
            }
        ]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": identity.metadata(),
        "spec": spec,
    }


def _pod(pod: Pod, sources: Sources) -> Object:
    volumes: list[Object] = [{"name": name, "emptyDir": {}} for name in (TMP.name, *pod.scratch)]
    if sources.config:
        volumes.append({"name": "config", "configMap": {"name": sources.config}})
    if sources.secret:
        items = [{"key": key, "path": key} for key in sources.secret_items]
        source = {"secretName": sources.secret, "defaultMode": 0o440, "items": items}
        volumes.append({"name": "secret", "secret": source})
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": pod.grace,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": pod.uid,
            "runAsGroup": pod.uid,
            "fsGroup": pod.uid,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_container(one, sources.image) for one in pod.first],
        "containers": [_container(one, sources.image) for one in pod.containers],
        "volumes": volumes,
    }


def _container(container: Container, image: str) -> Object:
    written: Object = {
        "name": container.name,
        "image": image,
        "command": list(container.command),
        "env": list(container.variables),
        "resources": {
            "requests": {"memory": container.memory, "cpu": container.cpu},
            "limits": {"memory": container.limit, "cpu": _CPU_LIMIT},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [_mount(volume) for volume in (TMP, *container.volumes)],
    }
    if container.port is not None:
        entry = {"name": container.port.name, "containerPort": container.port.number}
        written["ports"] = [{**entry, "protocol": "TCP"}]
        knock = {"tcpSocket": {"port": container.port.number}}
        written |= {**_probes(knock), "readinessProbe": _probe(knock, 10, 2)}
    elif container.check:
        # A command in a container costs some 30 ms of CPU: asked rarely, and only if it lives.
        written |= _probes({"exec": {"command": list(container.check)}})
    return written


def _mount(volume: Volume) -> Object:
    mount: Object = {"name": volume.name, "mountPath": volume.path}
    if volume.read_only:
        mount["readOnly"] = True
    return mount


def _probes(action: Object) -> Object:
    """Return quick looks while it starts, and rare ones later: an idle cloud should idle."""
    return {
        "startupProbe": _probe(action, 1, _START_SECONDS),
        "livenessProbe": _probe(action, 30, 6, timeout=10),
    }


def _probe(action: Object, period: int, failures: int, timeout: int = 3) -> Object:
    times = {"periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}
    return {**action, **times}
