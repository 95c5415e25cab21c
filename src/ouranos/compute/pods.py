"""What does an agent that runs on each machine look like? Pure: its parts in, a DaemonSet out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ouranos.images import catalog, definition
from ouranos.kit import objects, scheduling
from ouranos.kit.objects import Object

COMPONENT: Final = "app.kubernetes.io/component"
READS: Final = "ouranos.cloud/reads"
"""A pod's annotation that changes with the Secrets it reads, so that it restarts with new ones."""

CONFIG_PATH: Final = "/etc/ouranos"
_CPU_LIMIT: Final = "8"
"""A fuse: an agent that is held back holds back the machine's guests."""
NODE_NAME: Final[Object] = {
    "name": "NODE_NAME",
    "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
}
NODE_IP: Final[Object] = {
    "name": "NODE_IP",
    "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}},
}


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of an agent's pod, and where its containers find it."""

    name: str
    path: str
    source: Object
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """One process of an agent; what it may do stands with its image, under its name.

    Attributes:
        check: a cheap command that tells whether it works.
        start_seconds: how long it may take until it works.
        memory: what is reserved for it.
        limit: how much memory it may take.
        opens_devices: whether it opens devices that a runtime gives to privileged containers alone.
            It then gives up at once all rights but those that stand with its image.
    """

    name: str
    image: str
    command: tuple[str, ...]
    volumes: tuple[Volume, ...]
    variables: tuple[Object, ...] = ()
    check: tuple[str, ...] = ()
    start_seconds: int = 300
    memory: str = "32Mi"
    limit: str = "1Gi"
    cpu: str = "10m"
    opens_devices: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """What runs on each machine of a sort, as one pod.

    Attributes:
        first: containers that run to their end before.
        files: what `CONFIG_PATH` holds, by name.
        gateways: whether it also runs on machines that are gateways but run no guests.
        sees_processes: whether it lives among all processes of the machine.
        secrets: a text that changes with the Secrets it reads.
    """

    name: str
    containers: tuple[Container, ...]
    first: tuple[Container, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    gateways: bool = False
    sees_processes: bool = False
    secrets: str = ""
    grace: int = 30


def folder(name: str, path: str, place: str) -> Volume:
    """Return a folder of the machine, made if it is not there."""
    return Volume(name, path, {"hostPath": {"path": place, "type": "DirectoryOrCreate"}})


def tun() -> Volume:
    """Return the device by which network devices are made; runtimes let every container use it."""
    path = "/dev/net/tun"
    return Volume("tun", path, {"hostPath": {"path": path, "type": "CharDevice"}})


def scratch(name: str, path: str) -> Volume:
    """Return a folder that lives as long as the pod."""
    return Volume(name, path, {"emptyDir": {}})


_OWN: Final = (scratch("tmp", "/tmp"), scratch("run", "/run"))  # noqa: S108 - the pod's own
"""What every agent may write to; the rest of its root is read-only."""


def labels(namespace: str, agent: str) -> dict[str, str]:
    """Return the labels of everything that is made for an agent."""
    return {
        "app.kubernetes.io/managed-by": "ouranos",
        "app.kubernetes.io/part-of": namespace,
        "app.kubernetes.io/name": "hypervisor",
        COMPONENT: agent,
    }


def selector(agent: str) -> dict[str, str]:
    """Return labels that only the agent's pods have, of all pods in a namespace."""
    return {"app.kubernetes.io/name": "hypervisor", COMPONENT: agent}


def config_map(agent: Agent, namespace: str) -> Object | None:
    """Return the agent's files, immutable and named after their content; None where it has none."""
    if not agent.files:
        return None
    name = objects.content_name(f"{agent.name}-config", agent.files)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels(namespace, agent.name),
        },
        "immutable": True,
        "data": dict(agent.files),
    }


def daemon_set(agent: Agent, namespace: str, release: str) -> Object:
    """Return the DaemonSet that runs the agent."""
    every = (*agent.first, *agent.containers)
    volumes = {volume.name: volume.source for one in every for volume in (*_OWN, *one.volumes)}
    config = config_map(agent, namespace)
    if config is not None:
        source = {"name": config["metadata"]["name"], "defaultMode": 0o755}
        volumes["config"] = {"configMap": source}
    template: Object = {
        "metadata": {"labels": labels(namespace, agent.name)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostNetwork": True,
            "dnsPolicy": "ClusterFirstWithHostNet",
            "priorityClassName": scheduling.AGENT_CLASS,
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": agent.grace,
            "affinity": {
                "nodeAffinity": scheduling.on_machines(namespace, gateways=agent.gateways)
            },
            "initContainers": [_container(one, release, config) for one in agent.first],
            "containers": [_container(one, release, config) for one in agent.containers],
            "volumes": [{"name": name, **source} for name, source in volumes.items()],
        },
    }
    if agent.sees_processes:
        template["spec"]["hostPID"] = True
    if agent.secrets:
        template["metadata"]["annotations"] = {READS: agent.secrets}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": agent.name,
            "namespace": namespace,
            "labels": labels(namespace, agent.name),
        },
        "spec": {
            "selector": {"matchLabels": selector(agent.name)},
            # Two of one agent on one machine would fight for its sockets.
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
            },
            "template": template,
        },
    }


def _container(container: Container, release: str, config: Object | None) -> Object:
    mounts = [_mount(volume) for volume in (*_OWN, *container.volumes)]
    if config is not None:
        mounts.append({"name": "config", "mountPath": CONFIG_PATH, "readOnly": True})
    privilege = privilege_of(container.image, container.name)
    security = _of_devices() if container.opens_devices else _security(privilege)
    humble = _humbled(privilege) if container.opens_devices else ()
    written: Object = {
        "name": container.name,
        "image": catalog.reference(container.image, release),
        "command": [*humble, *container.command],
        "env": list(container.variables),
        "resources": {
            "requests": {"memory": container.memory, "cpu": container.cpu},
            "limits": {"memory": container.limit, "cpu": _CPU_LIMIT},
        },
        "securityContext": security,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if container.check:
        written |= _probes(container)
    return written


def privilege_of(image: str, program: str) -> definition.Privilege:
    """Return what an image says of a program: why it is root, and what it may do.

    Raises:
        LookupError: the image says nothing of it.
    """
    for privilege in catalog.IMAGES[image].privileges:
        if privilege.program == program:
            return privilege
    raise LookupError(f"image {image} says nothing of {program}")


def _security(privilege: definition.Privilege) -> Object:
    capabilities: Object = {"drop": ["ALL"]}
    if privilege.capabilities:
        capabilities["add"] = list(privilege.capabilities)
    context: Object = {
        "runAsUser": 0,
        "runAsGroup": 0,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": capabilities,
    }
    if "SYS_ADMIN" in privilege.capabilities:
        # It mounts file systems for itself, which runtimes' profiles forbid.
        context["appArmorProfile"] = {"type": "Unconfined"}
    return context


def _of_devices() -> Object:
    return {
        "runAsUser": 0,
        "runAsGroup": 0,
        "privileged": True,
        "readOnlyRootFilesystem": True,
    }


def _humbled(privilege: definition.Privilege) -> tuple[str, ...]:
    """Return the command by which a program starts without what it is not to have."""
    kept = ",".join(["-all", *(f"+{name.lower()}" for name in privilege.capabilities)])
    limits = (f"--bounding-set={kept}", "--inh-caps=-all", "--ambient-caps=-all")
    return ("setpriv", "--no-new-privs", *limits, "--")


def _mount(volume: Volume) -> Object:
    mount: Object = {"name": volume.name, "mountPath": volume.path}
    if volume.read_only:
        mount["readOnly"] = True
    return mount


def _probes(container: Container) -> Object:
    """Return quick looks while it starts, and rare ones later: an idle machine should idle."""
    action = {"exec": {"command": list(container.check)}}
    return {
        "startupProbe": {
            **action,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": container.start_seconds,
        },
        "readinessProbe": {
            **action,
            "periodSeconds": 30,
            "timeoutSeconds": 5,
            "failureThreshold": 2,
        },
    }
