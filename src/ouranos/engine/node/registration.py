"""How does the API know the node? By its Node object and its lease, which are kept true."""

import asyncio
from typing import Final

from ouranos.engine.node import config, facts, runc
from ouranos.kit import cluster, conditions, errors, kinds, log, objects, seams

_BEAT: Final = 10.0
_AGAIN: Final = 0.1
"""Seconds after somebody else has written to the Node meanwhile."""
_LEASES: Final = "kube-node-lease"
_VERSION: Final = "v1.34.0+ouranos"

_log = log.get(component="registration")


class Registrar:
    """Makes the Node object and its lease, and renews them."""

    def __init__(self, told: config.NodeConfig, api: cluster.Cluster, given: seams.Seams) -> None:
        self._told = told
        self._api = api
        self._seams = given
        self._trouble = "the node's world is being made"
        self._runtime = ""
        self._changed = asyncio.Event()

    def say(self, trouble: str) -> None:
        """Say why the node cannot run pods; nothing when it can."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._changed.set()

    async def run(self) -> None:
        """Keep both objects true until cancelled."""
        while True:
            self._changed.clear()
            wait = _BEAT
            try:
                await self._beat()
            except errors.Conflict:
                wait = _AGAIN
            except (errors.Transient, OSError) as error:
                _log.info("Retrying the registration of the node", error=str(error))
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _beat(self) -> None:
        node = await self._node()
        machine = facts.Machine.look(self._told.directory)
        before: objects.Object = objects.mapping(node, "status")
        now = self._seams.clock.now()
        wanted = facts.status(before, self._told, machine, now, self._trouble)
        self._runtime = self._runtime or await runtime()
        wanted["nodeInfo"] = facts.information(_VERSION, f"runc://{self._runtime}")
        if wanted != before:
            # Others write conditions of their own, and a list is replaced as a whole.
            version = {"resourceVersion": node["metadata"]["resourceVersion"]}
            patch: objects.Object = {"metadata": version, "status": wanted}
            await self._api.patch(kinds.NODE, self._told.name, "", patch, subresource="status")
        await self._renew(node)

    async def _node(self) -> objects.Object:
        name, labels = self._told.name, facts.labels(self._told)
        node = await self._api.get(kinds.NODE, name)
        if node is None:
            wanted: objects.Object = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
                "spec": {},
            }
            return await self._api.create(wanted)
        if not objects.matches(objects.labels_of(node), labels):
            patch: objects.Object = {"metadata": {"labels": labels}}
            return await self._api.patch(kinds.NODE, name, "", patch)
        return node

    async def _renew(self, node: objects.Object) -> None:
        now = conditions.micro_timestamp(self._seams.clock.now())
        lease: objects.Object = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._told.name,
                "namespace": _LEASES,
                "ownerReferences": [objects.owner_reference(node, controller=False)],
            },
            "spec": {
                "holderIdentity": self._told.name,
                "leaseDurationSeconds": facts.LEASE_SECONDS,
                "renewTime": now,
            },
        }
        try:
            patch: objects.Object = {"spec": lease["spec"]}
            await self._api.patch(kinds.LEASE, self._told.name, _LEASES, patch)
        except errors.NotFound:
            await self._namespace()
            await self._api.create(lease)

    async def _namespace(self) -> None:
        if await self._api.get(kinds.NAMESPACE, _LEASES) is None:
            await self._api.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _LEASES}}
            )


async def runtime(programs: str = runc.PROGRAMS) -> str:
    """Return runc's version."""
    process = await asyncio.create_subprocess_exec(
        runc.program("runc", programs),
        "--version",
        stdout=asyncio.subprocess.PIPE,
        env=runc.ENVIRONMENT,
    )
    output, _ = await process.communicate()
    return output.decode().partition("\n")[0].rpartition(" ")[2]
