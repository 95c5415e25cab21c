"""How does a machine come to run guests, and what is known of it? The controller of Hypervisors."""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from ouranos.compute import agents, compute, ledger, libvirt, machines, network, pods
from ouranos.compute.scope import Scope
from ouranos.kit import (
    address,
    conditions,
    controller,
    kinds,
    objects,
    outcome,
    pipeline,
    pod,
    scheduling,
)
from ouranos.kit.objects import Key, Object
from ouranos.openstack import client, configuration, environment, sessions

_KEYSTONE_PORT: Final = 5000
_NOVA_PORT: Final = 8774
_PLACEMENT_PORT: Final = 8778
_NEUTRON_PORT: Final = 9696
_GUESTS_AGAIN: Final = timedelta(seconds=15)
_REGISTRATION: Final = "registration"


class Reconciler:
    """Makes machines hypervisors, and tells what Nova knows of them."""

    def __init__(self, opened: sessions.Sessions) -> None:
        self._sessions = opened

    async def __call__(self, pass_: controller.Pass) -> outcome.Outcome:
        """Make one pass over one Hypervisor."""
        scope = Scope(pass_)
        if pass_.deleting:
            return await self._let_go(scope)
        await pass_.add_finalizer()
        stages = (
            pipeline.Stage[Scope]((self.machine,)),
            pipeline.Stage[Scope](agents.STEPS),
            pipeline.Stage[Scope]((self.registration,)),
        )
        _tell_looks(scope)
        return await pipeline.run(pass_, scope, stages, proofs=(_REGISTRATION,))

    async def machine(self, scope: Scope) -> outcome.Outcome:
        """The machine's Node is there, ready, and labelled."""
        node = scope.pass_.cache.get(kinds.NODE, scope.node_name)
        if not _belongs(scope, node):
            return await self._leaving(scope, _reason(scope, node))
        if node is None or not conditions.is_true(node, "Ready"):
            return outcome.wait(f"Node {scope.node_name} to be ready")
        for kind, name in ((kinds.NOVA, "nova"), (kinds.NEUTRON, "neutron")):
            if scope.held(kind, name) is None:
                return outcome.wait(f"{kind.kind} {name} to exist")
        return outcome.DONE

    async def _leaving(self, scope: Scope, reason: str) -> outcome.Outcome:
        """Let the machine go once Nova says, when asked now, that no guest lives there."""
        pass_, name = scope.pass_, scope.node_name
        if not _is_ours(scope):
            return outcome.wait(f"Node {name} to have the label {scheduling.HYPERVISOR}; {reason}")
        nova = self._nova(scope)
        if isinstance(nova, outcome.Outcome):
            return nova
        guests = await ledger.left(nova, name, _mark(scope))
        if guests:
            told = f"{_guests(reason, guests)}; hint: move or delete them, or put the label back"
            await pass_.event("Warning", "GuestsLiveHere", told)
            return outcome.wait(told, poll=_GUESTS_AGAIN)
        await pass_.event("Normal", "MachineLeaves", f"{reason}, and no guest lives there")
        await pass_.delete(kinds.HYPERVISOR, pass_.key.name, uid=objects.uid_of(pass_.object))
        return outcome.wait(f"Hypervisor {name} to be gone")

    async def _let_go(self, scope: Scope) -> outcome.Outcome:
        """Let the object vanish: at once, or when OpenStack has forgotten a machine that left."""
        pass_ = scope.pass_
        node = pass_.cache.get(kinds.NODE, scope.node_name)
        if _is_ours(scope) and not _belongs(scope, node) and not objects.is_deleting(scope.nova):
            stages = (pipeline.Stage[Scope]((self.departure,)),)
            result = await pipeline.run(pass_, scope, stages)
            if not result.done:
                return result
        await pass_.remove_finalizer()
        return outcome.DONE

    async def departure(self, scope: Scope) -> outcome.Outcome:
        """The machine's agents have ended, and OpenStack has forgotten it."""
        name = scope.node_name
        node = scope.pass_.cache.get(kinds.NODE, name)
        # A gateway goes on with its network.
        gateway = node is not None and scheduling.is_gateway(node, scope.namespace)
        for agent in agents.OF_GUESTS if gateway else agents.NAMES:
            if own := agents.pod_of(scope, agent):
                return outcome.wait(f"pod {own['metadata']['name']} to end")
        nova = self._nova(scope)
        if isinstance(nova, outcome.Outcome):
            return nova
        guests = await ledger.left(nova, name, _mark(scope))
        if guests:
            told = f"{_guests(_reason(scope, node), guests)}; hint: move or delete them"
            return outcome.wait(told, poll=_GUESTS_AGAIN)
        return await ledger.forget(nova, name, networked=gateway)

    async def registration(self, scope: Scope) -> outcome.Outcome:
        """Nova knows the machine, and says that it is up."""
        name = scope.node_name
        nova = self._nova(scope)
        if isinstance(nova, outcome.Outcome):
            return nova
        wanted: str = scope.pass_.object["spec"].get("scheduling", "Enabled")
        mark = _mark(scope)

        async def looked() -> outcome.Outcome:
            return await ledger.registration(nova, name, wanted, mark)

        content = f"{nova.base} {wanted}"
        result = await scope.pass_.look(_REGISTRATION, content, looked, ledger.REFRESH)
        if result.found:
            _tell(scope, result.found)
            scope.pass_.status["release"] = scope.release
        return result

    def _nova(self, scope: Scope) -> ledger.Nova | outcome.Outcome:
        places: list[str] = []
        asked = {
            "keystone": _KEYSTONE_PORT,
            "nova": _NOVA_PORT,
            "placement": _PLACEMENT_PORT,
            "neutron": _NEUTRON_PORT,
        }
        for service, port in asked.items():
            place = address.of_service(scope.pass_.cache, scope.namespace, service, port)
            if place is None:
                return outcome.wait(f"Service {service} to have an address")
            places.append(f"http://{place[0]}:{place[1]}")
        secret = scope.held(kinds.SECRET, environment.secret_name("nova", "user"))
        if secret is None:
            return outcome.wait("the Secret of Nova's user to exist")
        username, password = (_text(secret, key) for key in ("username", "password"))
        login = client.Login(username, password, configuration.SERVICE_PROJECT)
        clock = scope.pass_.seams.clock
        session = self._sessions.admin(scope.namespace, places[0], login, clock)
        return ledger.Nova(session, *places[1:])


def _belongs(scope: Scope, node: Object | None) -> bool:
    """Whether the machine is to run the guests of this cloud."""
    found = machines.cloud_of(node, scope.pass_.cache.list(kinds.NOVA))
    return found is not None and objects.namespace_of(found) == scope.namespace


def _is_ours(scope: Scope) -> bool:
    """Whether the cloud's Nova made the object; another one a person wrote."""
    owner = scope.held(kinds.NOVA, "nova")
    return owner is not None and objects.controller_uid(scope.pass_.object) == objects.uid_of(owner)


def _guests(reason: str, count: int) -> str:
    return f"{reason}, but {count} {'guest lives' if count == 1 else 'guests live'} there"


def _mark(scope: Scope) -> str:
    return f"ouranos:{scope.namespace}/{scope.node_name}"


def _reason(scope: Scope, node: Object | None) -> str:
    """Return why a machine is none of this cloud's any more."""
    name = scope.node_name
    if node is None or objects.is_deleting(node):
        return f"Node {name} is gone"
    value = objects.labels_of(node).get(scheduling.HYPERVISOR)
    if value is None:
        return f"Node {name} has lost the label {scheduling.HYPERVISOR}"
    return f"Node {name} is labelled for another cloud, {value or 'an older one'}"


def _tell(scope: Scope, found: Mapping[str, Any]) -> None:
    """Add to the facts in the status."""
    known: Object = dict(scope.pass_.status.get("facts") or {})
    scope.pass_.status["facts"] = {**known, **found}


def _tell_looks(scope: Scope) -> None:
    """Tell what the agents' containers found by looking at the machine."""
    looks = (
        (network.NAME, "look"),
        (libvirt.NAME, "prepare"),
        (compute.NAME, "virtualization"),
    )
    found: Object = {}
    for agent, container in looks:
        own = agents.pod_of(scope, agent)
        if own is not None:
            found |= _object(pod.last_words(own, container))
    for name in ("virtualization", "datapath"):
        if name in found:
            scope.pass_.status[name] = found.pop(name)
    if found:
        _tell(scope, found)


def _text(secret: Object, key: str) -> str:
    return base64.b64decode(objects.mapping(secret, "data").get(key, "")).decode()


def _object(text: str) -> Object:
    try:
        found: Any = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON


def _of_machine(obj: Object, held: controller.Cache) -> Iterable[Key]:
    """Return all Hypervisors: how many machines there are matters to each."""
    del obj
    return [objects.key_of(one) for one in held.list(kinds.HYPERVISOR)]


def _of_pod(obj: Object, held: controller.Cache) -> Iterable[Key]:
    if objects.labels_of(obj).get(pods.COMPONENT) not in agents.NAMES:
        return []
    key = Key(objects.namespace_of(obj), agents.node_of(obj))
    return [key] if held.get(kinds.HYPERVISOR, key.name, key.namespace) else []


def _of_agent(obj: Object, held: controller.Cache) -> Iterable[Key]:
    return _of_cloud(obj, held) if obj["metadata"]["name"] in agents.NAMES else []


def _of_secret(obj: Object, held: controller.Cache) -> Iterable[Key]:
    name: str = obj["metadata"]["name"]
    return _of_cloud(obj, held) if name.startswith("nova-") else []


def _of_cloud(obj: Object, held: controller.Cache) -> Iterable[Key]:
    namespace = objects.namespace_of(obj)
    return [objects.key_of(one) for one in held.list(kinds.HYPERVISOR, namespace)]


def controller_of(opened: sessions.Sessions) -> controller.Controller:
    """Return the controller of Hypervisors."""
    cloud_wide = (
        *(kinds.NOVA, kinds.NEUTRON, kinds.CINDER, kinds.OVN),
        *(kinds.KEYSTONE, kinds.PLACEMENT, kinds.VHOST, kinds.PERSISTENT_VOLUME_CLAIM),
    )
    return controller.Controller(
        name="hypervisors",
        kind=kinds.HYPERVISOR,
        reconcile=Reconciler(opened),
        watches=(
            controller.Watch(kinds.NODE, _of_machine),
            controller.Watch(kinds.POD, _of_pod),
            controller.Watch(kinds.DAEMON_SET, _of_agent),
            controller.Watch(kinds.SECRET, _of_secret),
            *(controller.Watch(kind, _of_cloud) for kind in cloud_wide),
        ),
        reads=(kinds.CONFIG_MAP, kinds.SERVICE),
    )
