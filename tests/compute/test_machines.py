"""Does each labelled machine become a Hypervisor, of one cloud, and leave only without guests?"""

import contextlib
from typing import Any

import compute_worlds as worlds
import pytest

from ouranos.compute import machines
from ouranos.engine.workloads import nodes
from ouranos.kit import kinds, objects, scheduling

CLOSE = "/v2.1/os-services/disable-log-reason"


async def another_cloud(world: worlds.World, name: str = "away") -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await world.source.apply(namespace)
    spec = {"release": "2026.2", "compute": {"virtualization": "qemu"}}
    await world.apply(kinds.NOVA, "nova", metadata={"namespace": name}, spec=spec)


async def clouds_of(world: worlds.World) -> list[str]:
    """Return the clouds that have the machine as a hypervisor."""
    return [objects.namespace_of(one) for one in (await world.source.list(kinds.HYPERVISOR)).items]


async def passes(running: worlds.World, count: int = 4) -> None:
    """Let both controllers look, again and again."""
    for _ in range(count):
        with contextlib.suppress(LookupError):
            await running.look()
        with contextlib.suppress(LookupError):
            await running.look_at_node()


def deletions(running: worlds.World) -> list[str]:
    return [one for one in running.nova.asked if one.startswith("DELETE")]


async def test_a_labelled_node_becomes_a_hypervisor(world: worlds.World) -> None:
    assert (await world.look_at_node()).done
    found = await world.hypervisor()
    assert found["spec"]["nodeName"] == worlds.NODE
    assert found["spec"]["compute"]["virtualization"] == "auto"
    assert (await world.labels())[scheduling.HYPERVISOR_OF] == "home"


async def test_a_second_look_at_a_node_changes_nothing(world: worlds.World) -> None:
    await world.look_at_node()
    before = await world.hypervisor(), await world.labels()
    await world.look_at_node()
    assert (await world.hypervisor(), await world.labels()) == before


async def test_a_node_without_the_label_is_none(world: worlds.World) -> None:
    await world.node("other", hypervisor=None)
    await world.look_at_node("other")
    assert await world.source.get(kinds.HYPERVISOR, "other", "home") is None
    assert scheduling.HYPERVISOR_OF not in await world.labels("other")


async def test_a_hypervisor_that_a_person_wrote_is_not_deleted(world: worlds.World) -> None:
    await world.node("other", hypervisor=None)
    await world.apply(kinds.HYPERVISOR, "other", spec={"nodeName": "other"})
    assert (await world.look_at_node("other")).done
    await world.look("other")
    assert await world.hypervisor("other")


async def test_with_guests_a_machine_stays_whatever_became_of_the_label(
    running: worlds.World,
) -> None:
    running.nova.has(worlds.NODE)
    running.nova.guests = [worlds.NODE, worlds.NODE, "another"]
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)
    told = await running.told("DepartureReady")
    assert told.startswith("Node hv1 has lost the label ouranos.cloud/hypervisor, but 2 guests")
    assert "put the label back" in told
    # The agents go by this one.
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    events = (await running.source.list(kinds.EVENT, "home")).items
    assert told in [one["message"] for one in events if one["reason"] == "GuestsLiveHere"]


async def test_no_new_guest_comes_between_the_question_and_the_leave(
    running: worlds.World,
) -> None:
    running.nova.has(worlds.NODE)
    await running.unlabel(scheduling.HYPERVISOR)
    await running.look()
    assert await running.told("DepartureReady") == "Nova to place no more guests on hv1"
    assert not any("servers" in one or "allocations" in one for one in running.nova.asked)
    await running.look()
    questions = running.nova.asked[running.nova.asked.index("PUT " + CLOSE) :]
    assert "GET /v2.1/servers" in questions
    assert "GET /resource_providers/id-of-hv1/allocations" in questions


ELSEWHERE = {"OS-EXT-SRV-ATTR:host": "hv2", "OS-EXT-STS:task_state": None}


@pytest.mark.parametrize(
    ("guest", "told"),
    [
        (None, "but 1 guest lives there"),
        ({**ELSEWHERE, "OS-EXT-SRV-ATTR:host": None}, "but 1 guest lives there"),
        ({**ELSEWHERE, "OS-EXT-STS:task_state": "migrating"}, "but 1 guest lives there"),
        (ELSEWHERE, "to end"),
    ],
    ids=["no guest by that name", "nowhere yet", "on its way", "evacuated"],
)
async def test_room_that_is_taken_counts_but_for_who_lives_elsewhere(
    running: worlds.World, guest: dict[str, Any] | None, told: str
) -> None:
    running.nova.has(worlds.NODE)
    running.nova.on_their_way = {"somebody": guest}
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)
    assert told in await running.told("DepartureReady")


async def test_who_answers_that_there_are_no_guests_anywhere_is_not_believed(
    running: worlds.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.nova.has(worlds.NODE)
    monkeypatch.setattr(running.nova, "_answer", lambda *_: None)
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)
    assert await clouds_of(running) == ["home"]
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"


async def test_a_machine_leaves_when_nova_says_now_that_it_has_no_guests(
    running: worlds.World,
) -> None:
    running.nova.has(worlds.NODE)
    found = await running.hypervisor()
    # What was told a while ago does not count.
    await running.source.replace_status({**found, "status": {"facts": {"guests": 7}}})
    await running.unlabel(scheduling.HYPERVISOR)
    await running.unlabel(scheduling.GATEWAY)
    await passes(running)
    assert scheduling.HYPERVISOR_OF not in await running.labels()
    assert "to end" in await running.told("DepartureReady")
    assert not deletions(running), "who runs there would only tell Nova of itself again"
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == []
    assert (running.nova.hypervisors, running.nova.services) == ([], [])
    assert running.nova.agents == {worlds.NODE: []}


async def leave(running: worlds.World) -> None:
    """Begin the machine's departure: it has no guests, and its agents are about to end."""
    running.nova.has(worlds.NODE)
    await running.look()
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)


async def test_the_object_stays_until_placement_has_forgotten_the_machine(
    running: worlds.World,
) -> None:
    running.nova.is_placement_away = True
    await leave(running)
    running.nova.providers["id-of-hv1"] = 409
    await running.end_pods()
    await passes(running)
    assert running.nova.services == [], "Nova does not say that Placement still has something"
    assert "OpenStack to let go of hv1" in await running.told("DepartureReady")
    running.nova.providers["id-of-hv1"] = 204
    await passes(running)
    assert (await clouds_of(running), running.nova.providers) == ([], {})


async def test_a_gateway_that_is_no_hypervisor_any_more_keeps_its_network(
    running: worlds.World,
) -> None:
    await leave(running)
    await running.end_pods("openvswitch", "ovn-controller")
    await passes(running)
    assert await clouds_of(running) == []
    assert running.nova.services == []
    assert len(running.nova.agents[worlds.NODE]) == 2


async def test_a_gateway_whose_node_is_on_its_way_out_is_forgotten(running: worlds.World) -> None:
    running.nova.has(worlds.NODE)
    kept = {"metadata": {"finalizers": ["example.org/drain"]}}
    await running.source.patch(kinds.NODE, worlds.NODE, "", kept)
    await running.source.delete(kinds.NODE, worlds.NODE, "")
    await passes(running)
    await running.end_pods("openvswitch", "ovn-controller")
    await passes(running)
    assert await clouds_of(running) == ["home"]
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == []
    assert running.nova.agents[worlds.NODE] == []


async def test_nobody_forgets_a_machine_whose_network_has_not_ended(running: worlds.World) -> None:
    await leave(running)
    await running.unlabel(scheduling.GATEWAY)
    await running.end_pods("ovn-controller")
    await running.look()
    assert await running.told("DepartureReady") == "pod ovn-controller-x to end"


async def test_a_dead_machine_that_is_still_a_node_says_what_to_do(running: worlds.World) -> None:
    await leave(running)
    assert await running.told("DepartureReady") == "pod metadata-agent-x to end"
    await running.say(kinds.NODE, worlds.NODE, "Ready", "False")
    await running.look()
    assert "hint: delete Node hv1" in await running.told("DepartureReady")


async def test_a_label_put_back_in_the_middle_of_the_leave_keeps_the_machine(
    running: worlds.World,
) -> None:
    await leave(running)
    before = objects.uid_of(await running.hypervisor())
    await running.node(worlds.NODE)
    await passes(running)
    assert objects.uid_of(await running.hypervisor()) == before
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    assert running.nova.services[0]["status"] == "enabled"
    assert not deletions(running)


async def test_a_guest_that_came_in_the_middle_of_the_leave_has_its_agents_again(
    running: worlds.World,
) -> None:
    await leave(running)
    assert scheduling.HYPERVISOR_OF not in await running.labels()
    running.nova.guests = [worlds.NODE]
    await passes(running)
    told = await running.told("DepartureReady")
    assert told.startswith("Node hv1 has lost the label ouranos.cloud/hypervisor, but 1 guest")
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    running.nova.guests = []
    running.nova.is_moving = True
    await passes(running)
    await running.end_pods()
    await passes(running)
    assert "OpenStack to let go of hv1" in await running.told("DepartureReady")
    running.nova.is_moving = False
    await passes(running)
    assert await clouds_of(running) == []


async def test_guests_keep_their_agents_whoever_deletes_the_hypervisor(
    running: worlds.World,
) -> None:
    running.nova.has(worlds.NODE)
    running.nova.guests = [worlds.NODE]
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)
    await running.source.delete(kinds.HYPERVISOR, worlds.NODE, "home")
    await passes(running)
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    assert "put the label back" in await running.told("DepartureReady")
    await running.node(worlds.NODE)
    await passes(running)
    assert await clouds_of(running) == ["home"]
    assert not objects.is_deleting(await running.hypervisor())


async def lose_node_with_a_guest(running: worlds.World) -> None:
    running.nova.has(worlds.NODE)
    running.nova.guests = [worlds.NODE]
    await running.source.delete(kinds.NODE, worlds.NODE, "")
    await passes(running)
    assert "Node hv1 is gone, but 1 guest lives there" in await running.told("DepartureReady")


async def test_guests_have_their_agents_though_the_node_came_again_without_labels(
    running: worlds.World,
) -> None:
    await lose_node_with_a_guest(running)
    await running.node(worlds.NODE, hypervisor=None, gateway=None)
    await passes(running)
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"


async def test_a_hypervisor_deleted_by_hand_comes_again_and_nothing_is_forgotten(
    running: worlds.World,
) -> None:
    running.nova.has(worlds.NODE)
    await running.look()
    await running.source.delete(kinds.HYPERVISOR, worlds.NODE, "home")
    await running.look()
    assert await clouds_of(running) == []
    await running.look_at_node()
    await running.look()
    assert await clouds_of(running) == ["home"]
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    assert running.nova.services


async def test_a_cloud_that_ends_asks_nobody_to_forget(running: worlds.World) -> None:
    await leave(running)
    await running.source.delete(kinds.SERVICE, "nova", "home")
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == ["home"]
    await running.source.delete(kinds.HYPERVISOR, worlds.NODE, "home")
    await running.source.delete(kinds.NOVA, "nova", "home")
    await passes(running)
    assert await clouds_of(running) == []
    assert not deletions(running)


async def test_a_machine_of_a_cloud_that_has_ended_goes_on_when_its_agents_have_ended(
    running: worlds.World,
) -> None:
    await another_cloud(running)
    await running.source.delete(kinds.NOVA, "nova", "home")
    await running.source.delete(kinds.HYPERVISOR, worlds.NODE, "home")
    await passes(running)
    result = await running.look_at_node()
    assert result.sentence == "pod home/libvirt-x to end"
    labels = await running.labels()
    assert labels[scheduling.HYPERVISOR_OF] == scheduling.NOBODY
    assert await clouds_of(running) == []
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == ["away"]
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "away"


async def test_a_cloud_that_is_about_to_end_gets_no_machine(running: worlds.World) -> None:
    found = {"metadata": {"finalizers": ["example.org/kept"]}}
    await running.source.patch(kinds.NOVA, "nova", "home", found)
    await running.source.delete(kinds.NOVA, "nova", "home")
    await running.source.delete(kinds.DAEMON_SET, "libvirt", "home")
    for name in (worlds.NODE, "other"):
        await running.node(name)
        await running.look_at_node(name)
    await running.look()
    assert await running.source.get(kinds.HYPERVISOR, "other", "home") is None
    assert await running.source.get(kinds.DAEMON_SET, "libvirt", "home") is None
    assert "Nova nova to exist" in await running.told("MachineReady")
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"


async def test_nobody_leaves_while_nova_cannot_be_asked(running: worlds.World) -> None:
    await running.source.delete(kinds.SERVICE, "nova", "home")
    await running.unlabel(scheduling.HYPERVISOR)
    await running.look()
    assert "Service nova to have an address" in await running.told("DepartureReady")
    assert await clouds_of(running) == ["home"]


async def test_a_label_put_back_lets_guests_come_again(running: worlds.World) -> None:
    running.nova.has(worlds.NODE)
    running.nova.guests = [worlds.NODE]
    await running.unlabel(scheduling.HYPERVISOR)
    await passes(running)
    assert running.nova.services[0]["status"] == "disabled"
    await running.node(worlds.NODE)
    await running.look()
    assert running.nova.services[0]["status"] == "enabled"
    assert await running.told("MachineReady") == ""


async def test_a_node_that_is_gone_keeps_its_hypervisor_while_guests_are_known_there(
    running: worlds.World,
) -> None:
    await lose_node_with_a_guest(running)
    running.nova.guests = []
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == []
    assert running.nova.services == []


async def test_a_machine_belongs_to_the_oldest_cloud_and_stays_with_it(
    world: worlds.World,
) -> None:
    await another_cloud(world)
    novas = (await world.source.list(kinds.NOVA)).items
    ages = [(one["metadata"]["creationTimestamp"], objects.namespace_of(one)) for one in novas]
    (_, oldest), _ = sorted(ages)
    await world.look_at_node()
    assert await clouds_of(world) == [oldest]
    await another_cloud(world, "a-third")
    await world.look_at_node()
    assert await clouds_of(world) == [oldest]


async def test_a_label_names_a_cloud(world: worlds.World) -> None:
    await another_cloud(world)
    await world.node(worlds.NODE, hypervisor="home")
    await world.look_at_node()
    assert await clouds_of(world) == ["home"]
    await world.node("other", hypervisor="nowhere")
    await world.look_at_node("other")
    assert await clouds_of(world) == ["home"]


@pytest.mark.parametrize("gateway", [None, "", "home"])
async def test_a_machine_goes_to_another_cloud_only_without_guests(
    running: worlds.World, gateway: str | None
) -> None:
    running.nova.has(worlds.NODE)
    running.nova.guests = [worlds.NODE]
    await another_cloud(running)
    await running.node(worlds.NODE, hypervisor="away", gateway=gateway)
    await passes(running)
    result = await running.look_at_node()
    assert "Hypervisor home/hv1 to be gone" in result.sentence
    assert "labelled for another cloud, away, but 1" in await running.told("DepartureReady")
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "home"
    running.nova.guests = []
    await passes(running)
    # Neither as a hypervisor nor as a gateway: all of home's agents end.
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == scheduling.NOBODY
    await running.end_pods("openvswitch")
    await passes(running)
    assert await clouds_of(running) == ["home"]
    await running.end_pods()
    await passes(running)
    assert await clouds_of(running) == ["away"]
    assert (await running.labels())[scheduling.HYPERVISOR_OF] == "away"
    assert running.nova.agents[worlds.NODE] == []


@pytest.mark.parametrize("value", scheduling.ANY)
def test_a_label_that_names_no_cloud_means_any(value: str) -> None:
    labels = {scheduling.HYPERVISOR: value, scheduling.GATEWAY: value}
    nova = {"metadata": {"name": "nova", "namespace": "home"}}
    node = {"metadata": {"name": "n", "labels": labels}}
    assert machines.cloud_of(node, [nova]) == nova
    assert scheduling.is_gateway(node, "home")


@pytest.mark.parametrize(
    ("gateway", "owner", "expected"),
    [
        (None, "home", (True, False)),
        ("", None, (False, True)),
        ("", "home", (True, True)),
        ("", "away", (False, False)),
        ("home", None, (False, True)),
        ("away", None, (False, False)),
        ("home", "away", (False, False)),
        ("", "", (False, False)),
        ("home", "", (False, False)),
    ],
)
def test_a_machine_of_one_cloud_serves_no_other(
    gateway: str | None, owner: str | None, expected: tuple[bool, bool]
) -> None:
    said = {scheduling.GATEWAY: gateway, scheduling.HYPERVISOR_OF: owner}
    labels = {key: value for key, value in said.items() if value is not None}
    node = {"metadata": {"name": "n", "labels": labels}}
    runs, leads = scheduling.is_hypervisor(node, "home"), scheduling.is_gateway(node, "home")
    assert (runs, leads) == expected
    for gateways in (True, False):
        wanted = {"affinity": {"nodeAffinity": scheduling.on_machines("home", gateways=gateways)}}
        assert nodes.is_chosen(wanted, node) is (runs or (gateways and leads))
