"""Worlds that the tests of compute are told in: a cloud's objects, and a small OpenStack."""

import base64
import functools
import json
from typing import Any

import httpx2

from ouranos import services
from ouranos.compute import hypervisor, machines
from ouranos.kit import cluster, conditions, controller, kinds, objects, outcome, seams
from ouranos.kit.objects import Key, Kind
from ouranos.openstack import sessions

NODE = "hv1"
SECRETS = {
    "nova-user-1": {"username": "nova", "password": "of-nova"},
    "nova-queue-1": {"username": "nova", "password": "of-the-queue"},
    "nova-metadata-1": {"secret": "of-the-metadata"},
}

NEEDED = {
    "novas",
    "neutrons",
    "keystones",
    "placements",
    "cinders",
    "ovns",
    "vhosts",
    "hypervisors",
}


class Nova(httpx2.AsyncBaseTransport):
    """Keystone's tokens, and what Nova, Placement and Neutron know of machines."""

    def __init__(self) -> None:
        self.hypervisors: list[dict[str, Any]] = []
        self.services: list[dict[str, Any]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        """Every request but logins: its method and its path, in order."""
        self.guests: list[str] = []
        """Where each guest lives."""
        self.on_their_way: dict[str, dict[str, Any] | None] = {}
        """For whom room is taken that does not live there, and what Nova says of it."""
        self.providers: dict[str, int] = {}
        """What Placement has, and what it answers who deletes it."""
        self.is_placement_away = False
        """Whether Nova cannot tell Placement what it has deleted."""
        self.is_moving = False
        """Whether Nova is busy with a guest that leaves the machine."""
        self.inventories: dict[str, list[str]] = {}
        self.agents: dict[str, list[dict[str, Any]]] = {}

    def has(self, name: str, **more: Any) -> None:
        self.hypervisors.append(
            {
                "id": f"id-of-{name}",
                "hypervisor_hostname": f"{name}.example.org",
                "service": {"host": name},
                "hypervisor_version": 10_000_013,
                "state": "up",
                "status": "enabled",
                "vcpus": 2,
                "memory_mb": 24000,
                "local_gb": 80,
                "running_vms": 1,
                **more,
            }
        )
        service = {"id": len(self.services), "host": name, "status": "enabled"}
        self.services.append({**service, "disabled_reason": None})
        self.providers[f"id-of-{name}"] = 204
        self.inventories[f"id-of-{name}"] = ["VCPU", "MEMORY_MB", "DISK_GB"]
        binaries = ("ovn-controller", "neutron-ovn-agent")
        self.agents[name] = [
            {"id": f"{one}-of-{name}", "binary": one, "alive": True} for one in binaries
        ]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/v3/auth/tokens":
            token = {"project": {"id": "p"}, "expires_at": "2036-01-01T00:00:00.000000Z"}
            headers = {"X-Subject-Token": "t"}
            return httpx2.Response(201, json={"token": token}, headers=headers, request=request)
        self.asked.append(f"{request.method} {path}")
        if request.method == "DELETE":
            return httpx2.Response(self._forget(*path.split("/")[-2:]), request=request)
        if request.method == "PUT":
            body = json.loads(await request.aread())
            verb = path.rpartition("/")[2]
            self.changes.append((verb, body))
            (found,) = [one for one in self.services if one["host"] == body["host"]]
            reason = body.get("disabled_reason")
            found |= {"status": "disabled" if reason else "enabled", "disabled_reason": reason}
            return httpx2.Response(200, json={"service": found}, request=request)
        answer = self._answer(path, request.url.params)
        return httpx2.Response(404 if answer is None else 200, json=answer, request=request)

    def _forget(self, what: str, identity: str) -> int:
        if self.is_moving and what == "os-services":
            return 409
        if what == "resource_providers":
            said = self.providers.get(identity, 404)
            return said if said == 409 else self._gone(identity)
        for host in [one["host"] for one in self.services if str(one["id"]) == identity]:
            assert host not in self.guests
            for one in [one for one in self.hypervisors if one["service"]["host"] == host]:
                self.hypervisors.remove(one)
                if not self.is_placement_away:
                    self._gone(one["id"])
        self.services = [one for one in self.services if str(one["id"]) != identity]
        for host, agents in self.agents.items():
            self.agents[host] = [one for one in agents if one["id"] != identity]
        return 204

    def _gone(self, provider: str) -> int:
        return self.providers.pop(provider, 404)

    def _answer(self, path: str, asked: httpx2.QueryParams) -> dict[str, Any] | None:
        place = path.split("/")[2]
        if path == "/v2.1/servers":
            assert asked["all_tenants"] == "1"
            living = enumerate(self.guests)
            return {"servers": [{"id": f"g{n}"} for n, host in living if host == asked["host"]]}
        if path.startswith("/v2.1/servers/"):
            found = self.on_their_way[path.rpartition("/")[2]]
            return found and {"server": found}
        if path == "/v2.0/agents":
            return {"agents": self.agents.get(asked["host"], [])}
        answers: dict[str, dict[str, Any]] = {
            "/v2.1/os-hypervisors/detail": {"hypervisors": self.hypervisors},
            "/v2.1/os-services": {"services": self.services},
            f"/resource_providers/{place}/allocations": {
                "allocations": {one: {} for one in self.on_their_way}
            },
            f"/resource_providers/{place}/inventories": {
                "inventories": {key: {"total": 1} for key in self.inventories.get(place, [])}
            },
        }
        return answers[path]


@functools.cache
def definitions() -> tuple[objects.Object, ...]:
    """The kinds that are needed here; making and taking in all of them takes its time."""
    return tuple(one for one in services.definitions() if one["spec"]["names"]["plural"] in NEEDED)


class World:
    """A namespace with a cloud's objects, all of them ready, and one machine."""

    def __init__(self, source: cluster.Cluster, given: seams.Seams) -> None:
        self.source = source
        self.given = given
        self.nova = Nova()
        self.sessions = sessions.Sessions(self.nova)

    async def prepare(self) -> None:
        for definition in definitions():
            await self.source.apply(definition)
        await self.cloud()
        await self.node(NODE)

    async def cloud(self) -> None:
        """Make the objects of a cloud whose central parts are ready."""
        release = {"release": "2026.2"}
        region = {**release, "region": "Düdingen Test"}
        network = {"management": "172.31.0.0/24", "public": "172.24.4.0/24", "mtu": 1500}
        await self.service(kinds.NOVA, "nova", region, "SchemaReady")
        await self.service(kinds.NEUTRON, "neutron", {**region, "network": network})
        await self.service(kinds.KEYSTONE, "keystone", region)
        await self.service(kinds.PLACEMENT, "placement", region)
        ovn = {"southbound": "tcp:ovn-sb:6642"}
        await self.service(kinds.OVN, "ovn", {**release, "builtin": {}}, **ovn)
        claim = {"rabbitmqRef": {"name": "rabbitmq"}, "vhost": "nova"}
        claim["secretRef"] = {"name": "nova-queue-1"}
        await self.service(kinds.VHOST, "nova", claim, host="rabbitmq", port=5672)
        ports = {"ovn-sb": 6642, "keystone": 5000, "nova": 8774, "placement": 8778, "neutron": 9696}
        for name, port in ports.items():
            where = {"clusterIP": "172.31.0.2", "ports": [{"name": "p", "port": port}]}
            await self.apply(kinds.SERVICE, name, spec=where)
        for name, data in SECRETS.items():
            encoded = {key: base64.b64encode(one.encode()).decode() for key, one in data.items()}
            await self.apply(kinds.SECRET, name, data=encoded)

    async def node(self, name: str, *, ready: bool = True, **roles: str | None) -> None:
        wanted = {"hypervisor": "", "gateway": "", **roles}
        labels = {f"ouranos.cloud/{key}": one for key, one in wanted.items() if one is not None}
        await self.apply(kinds.NODE, name, metadata={"labels": labels}, spec={})
        await self.say(kinds.NODE, name, "Ready", "True" if ready else "False")

    async def apply(self, kind: Kind, name: str, **content: Any) -> objects.Object:
        metadata = {"name": name, **content.pop("metadata", {})}
        if kind.namespaced:
            metadata.setdefault("namespace", "home")
        return await self.source.apply(
            {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}
        )

    async def service(self, kind: Kind, name: str, spec: Any, *more: str, **status: Any) -> None:
        await self.apply(kind, name, spec=spec)
        for condition in ("Ready", "Available", *more):
            await self.say(kind, name, condition, "True", **status)

    async def say(self, kind: Kind, name: str, condition: str, truth: str, **status: Any) -> None:
        found = await self.source.get(kind, name, "home" if kind.namespaced else "")
        assert found is not None
        present: objects.Object = found.get("status") or {}
        said = [dict(one) for one in present.get("conditions") or []]
        now = self.given.clock.now()
        conditions.set_condition(said, condition, truth, "Succeeded", "", now)
        await self.source.replace_status(
            {**found, "status": {**present, **status, "conditions": said}}
        )

    async def unlabel(self, label: str, name: str = NODE) -> None:
        """Take a label from a machine, as `kubectl label node` does."""
        labels = {"labels": {label: None}}
        await self.source.patch(kinds.NODE, name, "", {"metadata": labels})

    async def labels(self, name: str = NODE) -> dict[str, str]:
        """Return what the machine's Node is labelled with."""
        found = await self.source.get(kinds.NODE, name)
        assert found is not None
        return objects.labels_of(found)

    async def look_at_node(self, name: str = NODE) -> outcome.Outcome:
        return await controller.run_pass(
            machines.CONTROLLER, self.source, Key("", name), self.given
        )

    async def look(self, name: str = NODE) -> outcome.Outcome:
        one = hypervisor.controller_of(self.sessions)
        return await controller.run_pass(one, self.source, Key("home", name), self.given)

    async def hypervisor(self, name: str = NODE) -> objects.Object:
        found = await self.source.get(kinds.HYPERVISOR, name, "home")
        assert found is not None
        return found

    async def told(self, condition: str) -> str:
        said = conditions.find(conditions.of(await self.hypervisor()), condition)
        assert said is not None
        return str(said["message"])

    async def daemon_set(self, name: str) -> objects.Object:
        found = await self.source.get(kinds.DAEMON_SET, name, "home")
        assert found is not None
        return found

    async def containers(self, name: str) -> dict[str, objects.Object]:
        spec = (await self.daemon_set(name))["spec"]["template"]["spec"]
        every = (*(spec.get("initContainers") or ()), *spec["containers"])
        return {one["name"]: one for one in every}

    async def run_pods(self, **last_words: str) -> None:
        """Let every DaemonSet have its pod on the machine, ready."""
        for found in (await self.source.list(kinds.DAEMON_SET, "home")).items:
            name = found["metadata"]["name"]
            await self._run_pod(name, found, last_words)
            status = {
                "observedGeneration": found["metadata"]["generation"],
                "desiredNumberScheduled": 1,
                "updatedNumberScheduled": 1,
                "currentNumberScheduled": 1,
                "numberReady": 1,
                "numberMisscheduled": 0,
            }
            await self.source.replace_status({**found, "status": status})

    async def end_pods(self, *kept: str) -> None:
        """Let the machine's agents end, but for some."""
        for found in (await self.source.list(kinds.POD, "home")).items:
            name: str = found["metadata"]["name"]
            if not name.startswith(kept):
                await self.source.delete(kinds.POD, name, "home", grace_seconds=0)

    async def _run_pod(self, name: str, owner: objects.Object, words: dict[str, str]) -> None:
        if await self.source.get(kinds.POD, f"{name}-x", "home"):
            return
        template = owner["spec"]["template"]
        spec = {**template["spec"], "nodeName": NODE}
        pod = await self.apply(
            kinds.POD, f"{name}-x", metadata={"labels": template["metadata"]["labels"]}, spec=spec
        )
        first = [
            {
                "name": one["name"],
                "image": one["image"],
                "imageID": "",
                "restartCount": 0,
                "ready": True,
                "state": {"terminated": {"exitCode": 0, "message": words.get(one["name"], "")}},
            }
            for one in spec.get("initContainers") or ()
        ]
        said: list[objects.Object] = []
        conditions.set_condition(said, "Ready", "True", "", "", self.given.clock.now())
        status = {"phase": "Running", "conditions": said, "initContainerStatuses": first}
        await self.source.replace_status({**pod, "status": status})
