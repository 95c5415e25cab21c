"""A cloud's whole life, told to every controller at once: what they call is what they may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import compute_worlds
import fake_openstack
import fake_servers
import httpx2
import operator_worlds
import recorder

from ouranos import backing, compute, services
from ouranos.backing import claim, page
from ouranos.engine.simulation import node, script, twin
from ouranos.install import order
from ouranos.kit import cluster, conditions, controller, kinds, lease, objects, seams
from ouranos.openstack import sessions
from ouranos.services import content, secrets

OWN = "ouranos-system"
ROLES = {f"ouranos.cloud/{role}": "" for role in ("control-plane", "hypervisor", "gateway")}
OF_OVN = b'{"id":0,"result":["OVN_Northbound","OVN_Southbound","_Server"],"error":null}'
SERVICES: dict[str, Any] = {page.name: {} for page in services.KNOWN.pages}


async def wire(_host: str, _port: int, question: bytes, _until: bytes) -> bytes:
    return OF_OVN if b"list_dbs" in question else b"VERSION 1.6.38\r\n"


class Pods:
    """Pods that do as they should; the initialiser of Placement hangs as long as it is told to."""

    def __init__(self) -> None:
        self.hangs = True

    def __call__(self, pod: objects.Object) -> script.Script:
        labels = objects.labels_of(pod)
        if labels.get("app.kubernetes.io/component") != "schema":
            return script.Script()
        hangs = self.hangs and labels["app.kubernetes.io/name"] == "placement"
        return script.Script(exits_after=None if hangs else timedelta(seconds=2))


class Life:
    """A cluster with all of our controllers, which reach it through a recorder."""

    def __init__(self, made: twin.Twin, noted: recorder.Recorder, pods: Pods) -> None:
        self.twin = made
        self.pods = pods
        self.noted = noted
        self.cluster = made.cluster
        self.ours = made.cluster
        self.databases = fake_servers.Databases()
        self.broker = fake_servers.Broker()
        self.openstack = fake_openstack.FakeOpenStack(lambda: self._password)
        self.nova = compute_worlds.Nova()
        self._password = ""

    def controllers(self) -> list[controller.Controller]:
        means = page.Means(self.databases.connect, self.broker.connect, wire)
        return [
            *services.controllers(self.openstack),
            *backing.controllers(means),
            *compute.controllers(sessions.Sessions(self.nova)),
        ]

    async def learn_password(self) -> None:
        secret = await self._there(kinds.SECRET, "keystone-admin-1")
        self._password = content.of(secret)["password"]

    async def _there(self, kind: objects.Kind, name: str) -> objects.Object:
        async def look() -> bool:
            return await self.cluster.get(kind, name, "home") is not None

        await self.twin.until(look, 300)
        return await self.twin.get(kind, name)

    async def until(self, kind: objects.Kind, name: str) -> None:
        async def look() -> bool:
            found = await self.cluster.get(kind, name, "home")
            return found is not None and conditions.is_current(found, "Ready")

        await self.twin.until(look, 900)

    async def all_gone(self, kind: objects.Kind) -> None:
        async def look() -> bool:
            return not await self.twin.all(kind)

        await self.twin.until(look, 900)

    async def gone(self, kind: objects.Kind, name: str) -> None:
        async def look() -> bool:
            return await self.cluster.get(kind, name, "home") is None

        await self.twin.until(look, 900)

    async def change(self, kind: objects.Kind, name: str, patch: objects.Object) -> None:
        await self.cluster.patch(kind, name, "home" if kind.namespaced else "", patch)

    async def ready(self) -> None:
        """Let the change be heard, and everything come to rest again."""
        await self.twin.passes(2)
        await self.until(kinds.CLOUD, "home")

    async def seen(self, verb: str, resource: str) -> None:
        """Let time pass until a call was made."""

        async def look() -> bool:
            return any((one.verb, one.resource) == (verb, resource) for one in self.noted.calls)

        await self.twin.until(look, 900)


class Conflicts:
    """Answers the first write of each kind's status as if somebody had been faster."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response | None:
        where = recorder.place(request.url.path)
        if request.method != "PUT" or where is None or not where[2].endswith("/status"):
            return None
        if where[2] in self.told:
            return None
        self.told.add(where[2])
        told = {"kind": "Status", "code": 409, "reason": "Conflict", "message": "too late"}
        return httpx2.Response(409, json=told)


async def live(life: Life) -> None:
    """Let a cloud come, change, be disturbed, and go; every step awaits what follows from it."""
    life.noted.refuse = Conflicts()
    await life.cluster.apply(a_cloud())
    await life.learn_password()
    life.nova.has("hv1")
    await _fail(life)
    await life.ready()
    await _change(life)
    await _rotate(life)
    await _disturb(life)
    await life.cluster.delete(kinds.CLOUD, "home", "home")
    await life.gone(kinds.CLOUD, "home")
    for kind in (kinds.KEYSTONE, kinds.MARIADB, kinds.DATABASE, kinds.HYPERVISOR):
        await life.all_gone(kind)


async def _fail(life: Life) -> None:
    """An initialiser that fails is started again."""

    async def running() -> bool:
        return bool(await life.twin.all(kinds.JOB, "app.kubernetes.io/name=placement"))

    await life.twin.until(running, 300)
    (job,) = await life.twin.all(kinds.JOB, "app.kubernetes.io/name=placement")
    said = {"type": "Failed", "status": "True", "message": "the deadline has passed"}
    await life.cluster.replace_status({**job, "status": {"failed": 1, "conditions": [said]}})
    life.pods.hangs = False
    await life.seen("delete", "jobs")


async def _change(life: Life) -> None:
    """New configurations, of services and of agents; a service less."""
    debug = {"config": {"DEFAULT": {"debug": True}}}
    wanted = {"services": {**dict.fromkeys(SERVICES, debug), "cinder": None}}
    wanted["compute"] = {"virtualization": "qemu"}
    await life.change(kinds.CLOUD, "home", {"spec": wanted})
    await life.gone(kinds.CINDER, "cinder")
    await life.ready()


async def _rotate(life: Life) -> None:
    """Keys whose time has come, twice: the second time an event is only counted."""
    for _ in range(2):
        name = "keystone-fernet-1"
        before = (await life.twin.get(kinds.SECRET, name))["data"]
        old = {"metadata": {"annotations": {secrets.ROTATED: "2020-01-01T00:00:00Z"}}}
        await life.change(kinds.SECRET, name, old)

        async def rotated(was: Any = before, name: str = name) -> bool:
            return (await life.twin.get(kinds.SECRET, name))["data"] != was

        await life.twin.until(rotated, 900)
        await life.twin.passes(90)


async def _disturb(life: Life) -> None:
    """What people do behind our back: a database lost, a machine taken away and given back."""
    life.databases.databases.discard("glance")
    again = {"metadata": {"annotations": {claim.RECREATE: "glance"}}}
    await life.change(kinds.DATABASE, "glance", again)
    await life.seen("patch", "databases")
    await life.ready()
    for value in (None, ""):
        label = {"metadata": {"labels": {"ouranos.cloud/hypervisor": value}}}
        await life.change(kinds.NODE, "hv1", label)
        if value is None:
            await life.gone(kinds.HYPERVISOR, "hv1")
            life.nova.has("hv1")
    await life.until(kinds.HYPERVISOR, "hv1")


async def share(life: Life) -> None:
    """A claim on a server elsewhere, which other clusters may use too, comes and goes."""
    life.databases.__init__()
    world = operator_worlds.World(life.twin, life.databases, life.broker)
    await world.secret("elsewhere", username="root", password="of-root")
    external = {"host": "10.0.0.9", "secretRef": {"name": "elsewhere"}}
    await world.apply(kinds.MARIADB, "mariadb", spec={"release": "2026.2", "external": external})
    await world.claim()
    await world.ready(kinds.DATABASE, "nova-api")
    for kind, name in ((kinds.DATABASE, "nova-api"), (kinds.MARIADB, "mariadb")):
        await life.cluster.delete(kind, name, "home")
        await life.gone(kind, name)


async def operate(life: Life) -> None:
    """Operators of the cluster come, run our servers and fulfil claims, which then go with all."""
    world = operator_worlds.World(life.twin, life.databases, life.broker)
    await world.install(
        *operator_worlds.MARIADB, *operator_worlds.RABBITMQ, *operator_worlds.TOPOLOGY
    )
    servers = {
        kinds.MARIADB: operator_worlds.MARIADB[0],
        kinds.RABBITMQ: operator_worlds.RABBITMQ[0],
    }
    for kind, theirs in servers.items():
        await world.server(kind)
        await world.exists(theirs, operator_worlds.SERVERS[kind])
        await world.runs(kind)
        await world.ready(kind, operator_worlds.SERVERS[kind])
    await world.claim()
    await world.vhost()
    wanted = {
        "nova-api": (operator_worlds.MARIADB[1:], kinds.DATABASE),
        "nova": (operator_worlds.TOPOLOGY, kinds.VHOST),
    }
    for name, ((thing, user, grant), kind) in wanted.items():
        await world.fulfils((thing, name), (user, "nova"), (grant, name))
        world.admit()
        world.know()
        await world.ready(kind, name)
        spoken = name.replace("-", "_")
        await world.annotate(kind, name, delete_data=spoken)
        await life.cluster.delete(kind, name, "home")
        await life.gone(kind, name)
    for kind in servers:
        await world.annotate(kind, operator_worlds.SERVERS[kind], delete_data=kind.kind.lower())
        await life.cluster.delete(kind, operator_worlds.SERVERS[kind], "home")
        await world.is_gone(kind, operator_worlds.SERVERS[kind])


async def elect(life: Life, given: seams.Seams) -> None:
    """One process takes the Lease, keeps it, and gives it back."""
    elector = lease.Elector(life.ours, given, objects.Key(OWN, order.NAME), "first")
    term = await elector.acquire()
    keeping = asyncio.create_task(elector.keep(term))
    await life.twin.passes(10)
    keeping.cancel()
    await elector.release(term)


def a_namespace(name: str) -> objects.Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def a_cloud() -> objects.Object:
    return {
        "apiVersion": kinds.CLOUD.api_version,
        "kind": "Cloud",
        "metadata": {"name": "home", "namespace": "home"},
        "spec": {"release": "2026.2", "region": "Düdingen Test", "services": SERVICES},
    }


@contextlib.asynccontextmanager
async def running(given: seams.Seams) -> AsyncGenerator[Life]:
    """A twin whose workloads run as always, beside controllers that are recorded."""
    doors: list[httpx2.AsyncBaseTransport] = []

    def door(api: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        doors.append(api)
        return api

    pods = Pods()
    machine = node.SimulatedNode("hv1", given, labels=ROLES, behaviour=pods)
    engine = twin.running(
        given,
        [machine],
        objects=[*services.definitions(), *services.priority_classes(), a_namespace(OWN)],
        door=door,
    )
    async with engine as made:
        noted = recorder.Recorder(doors[0], OWN)
        life = Life(made, noted, pods)
        async with httpx2.AsyncClient(transport=noted, base_url="http://twin") as http:
            source = cluster.Cluster(http, manager="ouranos")
            life.ours = source
            every = life.controllers()
            runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
            task = asyncio.create_task(controller.run_alone(runner))
            try:
                yield life
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
