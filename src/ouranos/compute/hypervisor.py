"""How does a machine come to run guests, and what is known of it? The controller of Hypervisors."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ouranos.compute import agents, compute, leaving, ledger, libvirt, network
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
    summary,
)
from ouranos.kit.objects import Key, Object
from ouranos.openstack import client, configuration, environment, sessions

_KEYSTONE_PORT: Final = 5000
_NOVA_PORT: Final = 8774
_PLACEMENT_PORT: Final = 8778
_NEUTRON_PORT: Final = 9696
_REGISTRATION: Final = "registration"
_SCHEDULING: Final = "scheduling"


class Reconciler:
    """Makes machines hypervisors, and tells what Nova knows of them."""

    def __init__(self, opened: sessions.Sessions) -> None:
        self._sessions = opened

    async def __call__(self, pass_: controller.Pass) -> outcome.Outcome:
        """Make one pass over one Hypervisor."""
        scope = Scope(pass_)
        if leaving.leaves(scope):
            return await self._let_go(scope)
        if pass_.deleting:
            await pass_.remove_finalizer()
            return outcome.DONE
        await pass_.add_finalizer()
        stages = (
            pipeline.Stage[Scope]((self.machine,)),
            pipeline.Stage[Scope](agents.STEPS),
            pipeline.Stage[Scope]((self.registration,)),
        )
        _tell_looks(scope)
        # A machine that is not well is the one that is to get no guests.
        closed = await outcome.settle(self._scheduling(scope))
        return closed | await pipeline.run(pass_, scope, stages, proofs=(_REGISTRATION,))

    async def _let_go(self, scope: Scope) -> outcome.Outcome:
        """Let the object vanish when the machine has left."""
        pass_ = scope.pass_
        # Who deletes it on the way does not hurry the leave.
        await pass_.add_finalizer()
        result = await pipeline.run(pass_, scope, (pipeline.Stage[Scope]((self.departure,)),))
        if not result.done:
            return result
        if pass_.deleting:
            await pass_.remove_finalizer()
            return outcome.DONE
        await pass_.delete(kinds.HYPERVISOR, pass_.key.name, uid=objects.uid_of(pass_.object))
        return outcome.wait(f"Hypervisor {pass_.key.name} to be gone")

    async def machine(self, scope: Scope) -> outcome.Outcome:
        """The machine's Node is there, ready, and labelled."""
        name = scope.node_name
        node = scope.pass_.cache.get(kinds.NODE, name)
        for kind, service in ((kinds.NOVA, "nova"), (kinds.NEUTRON, "neutron")):
            held = scope.held(kind, service)
            if held is None or objects.is_deleting(held):
                return outcome.wait(f"{kind.kind} {service} to exist")
        if not leaving.belongs(scope):
            why = leaving.reason(scope)
            return outcome.wait(f"Node {name} to have the label {scheduling.HYPERVISOR}; {why}")
        if node is None or not conditions.is_true(node, "Ready"):
            return outcome.wait(f"Node {name} to be ready")
        return outcome.DONE

    async def departure(self, scope: Scope) -> outcome.Outcome:
        """The machine has no guests, its agents have ended, and OpenStack has forgotten it."""
        nova = self._nova(scope)
        return nova if isinstance(nova, outcome.Outcome) else await leaving.leave(scope, nova)

    async def _scheduling(self, scope: Scope) -> outcome.Outcome:
        """Nova places guests there as the spec says, whatever the machine's state."""
        nova = self._nova(scope)
        owner = scope.held(kinds.NOVA, "nova")
        if isinstance(nova, outcome.Outcome) or not (
            owner and conditions.is_true(owner, summary.AVAILABLE)
        ):
            return outcome.DONE
        name, mark = scope.node_name, scope.mark
        wanted: str = scope.pass_.object["spec"].get("scheduling", "Enabled")

        async def looked() -> outcome.Outcome:
            return await ledger.schedule(nova, name, wanted, mark)

        content = f"{nova.base} {wanted}"
        return await scope.pass_.look(_SCHEDULING, content, looked, ledger.REFRESH)

    async def registration(self, scope: Scope) -> outcome.Outcome:
        """Nova knows the machine, and says that it is up."""
        name = scope.node_name
        nova = self._nova(scope)
        if isinstance(nova, outcome.Outcome):
            return nova

        async def looked() -> outcome.Outcome:
            return await ledger.registration(nova, name)

        result = await scope.pass_.look(_REGISTRATION, nova.base, looked, ledger.REFRESH)
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
    if not agents.is_agent(obj):
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
