"""Asks libvirt which guests it knows: by a Job on each hypervisor, through the API alone."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from ouranos.images import catalog
from ouranos.kit import cluster, kinds
from ouranos.verify import story

HYPERVISOR_LABEL = "ouranos.cloud/hypervisor"
_FOLDER = "/run/libvirt"
_PATIENCE = 60.0  # seconds for the Job to answer
Object = dict[str, Any]


def job(name: str, namespace: str, node: str, release: str) -> Object:
    """A pod that prints the name and the UUID of each domain and ends."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "ouranos",
                "app.kubernetes.io/name": "verify",
            },
        },
        "spec": {
            "backoffLimit": 2,
            "ttlSecondsAfterFinished": 60,
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "verify"}},
                "spec": {
                    "restartPolicy": "Never",
                    "nodeName": node,
                    "automountServiceAccountToken": False,
                    "containers": [
                        {
                            "name": "virsh",
                            "image": catalog.reference("libvirt", release),
                            "command": ["virsh", "-r", "list", "--all", "--uuid"],
                            "volumeMounts": [
                                {"name": "run", "mountPath": _FOLDER, "readOnly": True}
                            ],
                            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                        }
                    ],
                    "volumes": [
                        {
                            "name": "run",
                            "hostPath": {"path": f"/run/ouranos/{namespace}/libvirt"},
                        }
                    ],
                },
            },
        },
    }


async def domains(api: cluster.Cluster, namespace: str, release: str) -> set[str]:
    """UUIDs of all guests that the hypervisors' libvirt knows, running or not."""
    nodes = (await api.list(kinds.NODE, labels=HYPERVISOR_LABEL)).items
    answers = await asyncio.gather(
        *(_of_node(api, namespace, node["metadata"]["name"], release) for node in nodes)
    )
    return set[str]().union(*answers)


async def _of_node(api: cluster.Cluster, namespace: str, node: str, release: str) -> set[str]:
    name = f"verify-virsh-{secrets.token_hex(3)}"
    await api.create(job(name, namespace, node, release))
    try:
        async with asyncio.timeout(_PATIENCE):
            pod = await _finished(api, namespace, name)
        chunks = [chunk async for chunk in api.logs(pod, namespace)]
    except TimeoutError as error:
        raise story.ProofError(f"libvirt on {node}: no answer within {_PATIENCE:.0f} s") from error
    finally:
        await api.delete(kinds.JOB, name, namespace, propagation="Background")
    return {line for line in b"".join(chunks).decode().split() if line}


async def _finished(api: cluster.Cluster, namespace: str, name: str) -> str:
    while True:
        pods = (await api.list(kinds.POD, namespace, labels=f"job-name={name}")).items
        for pod in pods:
            if pod.get("status", {}).get("phase") == "Succeeded":
                return str(pod["metadata"]["name"])
        await asyncio.sleep(0.2)
