"""What does a pod of a service look like? Pure: page, scope and a few facts in, template out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ouranos.images import catalog
from ouranos.kit import objects, scheduling
from ouranos.openstack import connections, environment
from ouranos.services import files, labels, page

READS = "ouranos.cloud/reads"
"""A pod's annotation that changes with the secrets it reads, so that it restarts with new ones."""

START_SECONDS = 300
LIMIT_FACTOR = 4
CPU_LIMIT = "2"
"""A process of one interpreter cannot use more, so the kernel never holds one back by it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pod needs of the world: fulfilled claims, configuration, secrets."""

    config: str = ""
    """The name of the ConfigMap."""
    paths: tuple[str, ...] = ()
    """The files in it."""
    databases: Mapping[str, environment.Address] = field(
        default_factory=dict[str, environment.Address]
    )
    made: tuple[str, ...] = ()
    """When each of the databases was made, as their claims say."""
    queue: environment.Address | None = None
    checksum: Callable[[tuple[str, ...]], str] = lambda _: ""
    """Of the content of Secrets, by their names."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a service, of a component or of a Job."""

    name: str
    command: tuple[str, ...]
    databases: bool = True
    queue: bool = False
    options: tuple[page.Option, ...] = ()
    credentials: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    volumes: tuple[page.Volume, ...] = ()
    capabilities: tuple[str, ...] = ()
    listener: page.Listener | None = None
    connection: int | None = None
    """The port of a connection that it always has, if there is one besides the queue's."""
    memory: str = "256Mi"
    cpu: str = "50m"
    grace: int = 30


def of_component(component: page.Component, scope: page.Scope) -> Process:
    """The process of a component."""
    return Process(
        name=component.name,
        command=component.command,
        databases=component.databases,
        queue=component.queue,
        options=component.options,
        variables=component.variables,
        volumes=component.volumes(scope),
        capabilities=component.capabilities,
        listener=component.listener,
        connection=component.keeps(scope) if component.keeps else None,
        memory=component.memory,
        cpu=component.cpu,
        grace=component.grace,
    )


def template(
    service: page.Service, scope: page.Scope, facts: Facts, process: Process
) -> objects.Object:
    """The pod template of a process."""
    variables = environment_of(service, facts, process)
    read = tuple(environment.secrets_read(variables))
    annotations = {READS: facts.checksum(read)} if read else {}
    volumes, mounts = _volumes(service, facts, process)
    alike = labels.selector(service, process.name)
    placed = scheduling.on_control_plane(alike, scheduling.SERVICE_CLASS)
    if any(isinstance(one, page.Storage) and not one.shared for one in process.volumes):
        placed["affinity"]["podAffinity"] = scheduling.beside(alike)
        del placed["topologySpreadConstraints"]  # which would weigh as much, the other way
    return {
        "metadata": {
            "labels": labels.of(service, scope, process.name),
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsUser": service.uid,
                "runAsGroup": service.uid,
                "fsGroup": service.uid,
                "fsGroupChangePolicy": "OnRootMismatch",
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": process.grace,
            "containers": [
                _container(service, scope, process, variables, mounts)
                | _probes(service, facts, process)
            ],
            "volumes": volumes,
            **placed,
        },
    }


def _container(
    service: page.Service,
    scope: page.Scope,
    process: Process,
    variables: list[objects.Object],
    mounts: list[objects.Object],
) -> objects.Object:
    dropped: objects.Object = {"drop": ["ALL"]}
    if process.capabilities:
        dropped["add"] = list(process.capabilities)
    container: objects.Object = {
        "name": process.name,
        "image": catalog.reference(service.image, scope.release),
        "command": list(process.command),
        "env": variables,
        "resources": {
            "requests": {"cpu": process.cpu, "memory": process.memory},
            "limits": {"cpu": CPU_LIMIT, "memory": _limit(process.memory)},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": dropped,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if process.listener:
        container["ports"] = [
            {"name": "http", "containerPort": process.listener.port, "protocol": "TCP"}
        ]
    return container


def _probes(service: page.Service, facts: Facts, process: Process) -> objects.Object:
    if process.listener:
        return probes(process.listener)
    port = process.connection
    if port is None and service.queue and process.queue and facts.queue:
        port = facts.queue.port
    return {} if port is None else connections.probes(port, START_SECONDS)


def probes(listener: page.Listener) -> objects.Object:
    """Quick looks while it starts, rare ones later: an idle cloud should idle."""
    action = {"httpGet": {"path": listener.path, "port": "http"}}
    return {
        "startupProbe": {
            **action,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": START_SECONDS,
        },
        "readinessProbe": {
            **action,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 2,
        },
        # An API that is busy is not dead: only minutes without an answer restart it.
        "livenessProbe": {
            **action,
            "periodSeconds": 30,
            "timeoutSeconds": 20,
            "failureThreshold": 6,
        },
    }


def environment_of(service: page.Service, facts: Facts, process: Process) -> list[objects.Object]:
    """The variables of a process: plain ones, credentials, URLs put together from those."""
    plain = {"HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}  # noqa: S108 - own /tmp
    plain |= {**service.variables, **process.variables}
    variables = [environment.literal(name, value) for name, value in sorted(plain.items())]
    for name in process.credentials:
        secret = environment.secret_name(service.name, name)
        variables += environment.login(f"OURANOS_{name.upper()}", secret)
    if process.databases and service.databases:
        variables += _databases(service, facts)
    if process.queue and service.queue:
        variables += environment.login("QUEUE", environment.secret_name(service.name, "queue"))
        if facts.queue:
            variables.append(environment.queue_url("QUEUE", facts.queue, service.name))
    variables += [_option(service, option) for option in process.options]
    return variables


def _databases(service: page.Service, facts: Facts) -> list[objects.Object]:
    secret = environment.secret_name(service.name, "database")
    variables = environment.login("DATABASE", secret)
    for claimed in service.databases:
        address = facts.databases.get(claimed.claim)
        if claimed.section and address:
            variables.append(
                environment.database_url(claimed.section, "DATABASE", address, claimed.name)
            )
    return variables


def _option(service: page.Service, option: page.Option) -> objects.Object:
    other, _, own = option.credential.rpartition("/")
    secret = environment.secret_name(other or service.name, own)
    return environment.from_secret(files.variable_of(option), secret, option.key)


def _volumes(
    service: page.Service, facts: Facts, process: Process
) -> tuple[list[objects.Object], list[objects.Object]]:
    volumes: list[objects.Object] = [{"name": "tmp", "emptyDir": {}}]
    mounts: list[objects.Object] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    for number, (folder, paths) in enumerate(files.folders(facts.paths).items()):
        items = [{"key": files.key(path), "path": path.rpartition("/")[2]} for path in paths]
        name = f"config-{number}"
        volumes.append({"name": name, "configMap": {"name": facts.config, "items": items}})
        mounts.append({"name": name, "mountPath": folder, "readOnly": True})
    for number, volume in enumerate(process.volumes):
        name = f"data-{number}"
        volumes.append({"name": name, **_source(service, volume)})
        mounts.append(_mount(name, volume))
    return volumes, mounts


def _source(service: page.Service, volume: page.Volume) -> objects.Object:
    if isinstance(volume, page.Empty):
        return {"emptyDir": {}}
    if isinstance(volume, page.Storage):
        return {"persistentVolumeClaim": {"claimName": volume.claim}}
    if isinstance(volume, page.Keys):
        secret = environment.secret_name(service.name, volume.credential)
        return {"secret": {"secretName": secret, "defaultMode": 0o440}}
    if isinstance(volume, page.Share):
        return {"nfs": {"server": volume.server, "path": volume.export}}
    return {"hostPath": {"path": volume.host, "type": "DirectoryOrCreate"}}


def _mount(name: str, volume: page.Volume) -> objects.Object:
    mount: objects.Object = {"name": name, "mountPath": volume.path}
    if isinstance(volume, page.Keys):
        mount["readOnly"] = True
    if isinstance(volume, page.HostFolder) and volume.propagation:
        mount["mountPropagation"] = volume.propagation
    return mount


def _limit(memory: str) -> str:
    number = "".join(character for character in memory if character.isdigit())
    return f"{int(number) * LIMIT_FACTOR}{memory[len(number) :]}"
