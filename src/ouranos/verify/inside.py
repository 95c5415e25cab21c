"""What do libvirt and OVN know of themselves? Asked by Jobs, through the cloud's API alone.

Neither is reached from outside: sockets of libvirt are on its machine, OVN's databases answer in
the cluster. A Job's pod has the image of the server that it asks, and nothing else of it.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any, Final

from ouranos.kit import cluster, kinds, objects
from ouranos.verify import story

LIBVIRT: Final = "app.kubernetes.io/name=hypervisor,app.kubernetes.io/component=libvirt"
OVN: Final = "app.kubernetes.io/name=ovn,app.kubernetes.io/component=server"
NORTHBOUND: Final = "ovn-nb"
"""The Service of the database that Neutron writes to."""

_PORT: Final = 6641
_SOCKETS: Final = "/run/libvirt"
_PATIENCE: Final = 60.0  # seconds for a Job to answer
_NOBODY: Final = 65534
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A command, and what it needs.

    Attributes:
        about: what is asked, for people and in the Job's name.
        node: the machine on which it must run; any where empty.
        folder: where the command finds a folder of the machine, and the volume that this is.
    """

    about: str
    image: str
    command: tuple[str, ...]
    node: str = ""
    folder: tuple[str, Object] | None = None


async def domains(api: cluster.Cluster, namespace: str) -> set[str]:
    """UUIDs of all guests that the hypervisors' libvirt knows, running or not."""
    found = (await api.list(kinds.POD, namespace, labels=LIBVIRT)).items
    questions = [_of_libvirt(pod) for pod in found if not objects.is_deleting(pod)]
    if not questions:
        raise story.ProofError("libvirt runs on no machine")
    answers = await asyncio.gather(*(ask(api, namespace, each) for each in questions))
    return {word for answer in answers for word in answer.split()}


async def networks(api: cluster.Cluster, namespace: str) -> set[str]:
    """Names of all logical switches and routers in OVN's northbound database."""
    service = await api.get(kinds.SERVICE, NORTHBOUND, namespace)
    address = objects.mapping(service or {}, "spec").get("clusterIP")
    servers = (await api.list(kinds.POD, namespace, labels=OVN)).items
    if not address or not servers:
        raise story.ProofError(f"the Service {NORTHBOUND} has no address, or no pod behind it")
    question = Question(
        "ovn",
        servers[0]["spec"]["containers"][0]["image"],
        (
            *("ovn-nbctl", f"--db=tcp:{address}:{_PORT}", "--timeout=30", "--bare"),
            *("--columns=name", "list", "Logical_Switch", "--"),
            *("--columns=name", "list", "Logical_Router"),
        ),
    )
    return set((await ask(api, namespace, question)).split())


def _of_libvirt(pod: Object) -> Question:
    """What libvirt on one machine knows, by the socket that only reads."""
    name, (container, *_) = pod["spec"]["nodeName"], pod["spec"]["containers"]
    mounts: list[Object] = container["volumeMounts"]
    volumes: list[Object] = pod["spec"]["volumes"]
    mounted = next(each["name"] for each in mounts if each["mountPath"] == _SOCKETS)
    source = next(each for each in volumes if each["name"] == mounted)
    return Question(
        "libvirt",
        container["image"],
        ("virsh", "--readonly", "--connect", "qemu:///system", "list", "--all", "--uuid"),
        node=name,
        folder=(_SOCKETS, source),
    )


def job(name: str, namespace: str, question: Question) -> Object:
    """A pod that runs the command to its end."""
    labels = {
        "app.kubernetes.io/managed-by": "ouranos",
        "app.kubernetes.io/part-of": namespace,
        "app.kubernetes.io/name": "verify",
        "app.kubernetes.io/component": question.about,
    }
    container: Object = {
        "name": "ask",
        "image": question.image,
        "command": list(question.command),
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "1", "memory": "128Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    if question.node:
        spec["nodeName"] = question.node
    if question.folder is None:
        spec["securityContext"] |= {"runAsNonRoot": True, "runAsUser": _NOBODY}
    else:
        path, volume = question.folder
        spec["volumes"] = [volume]
        container["volumeMounts"] = [{"name": volume["name"], "mountPath": path, "readOnly": True}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 2,
            "ttlSecondsAfterFinished": 60,
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


async def ask(api: cluster.Cluster, namespace: str, question: Question) -> str:
    """What the command prints.

    Raises:
        ProofError: it does not end well in time.
    """
    name = f"verify-{question.about}-{secrets.token_hex(3)}"
    await api.create(job(name, namespace, question))
    try:
        async with asyncio.timeout(_PATIENCE):
            pod = await _finished(api, namespace, name)
        chunks = [chunk async for chunk in api.logs(pod, namespace)]
    except TimeoutError as error:
        where = f"{question.about} on {question.node}" if question.node else question.about
        raise story.ProofError(f"{where}: no answer within {_PATIENCE:.0f} s") from error
    finally:
        await api.delete(kinds.JOB, name, namespace, propagation="Background")
    return b"".join(chunks).decode()


async def _finished(api: cluster.Cluster, namespace: str, name: str) -> str:
    while True:
        pods = (await api.list(kinds.POD, namespace, labels=f"job-name={name}")).items
        for pod in pods:
            if pod.get("status", {}).get("phase") == "Succeeded":
                return str(pod["metadata"]["name"])
        await asyncio.sleep(0.2)
