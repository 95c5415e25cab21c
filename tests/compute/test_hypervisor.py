"""Does a Hypervisor say what it awaits, and what Nova knows?"""

import compute_worlds as worlds
import pytest

from ouranos.kit import conditions, kinds
from ouranos.kit.objects import Kind

LOOKS = {
    "look": '{"datapath": "netdev", "openvswitch": "3.5.0", "ovn": "25.03.0"}',
    "prepare": '{"libvirt": "11.3.0", "qemu": "10.0.13"}',
    "virtualization": '{"virtualization": "qemu", "reason": "/dev/kvm: No such file or directory"}',
}


async def test_a_machine_is_ready_when_nova_says_that_it_is_up(
    running: worlds.World,
) -> None:
    result = await running.look()
    assert "Nova to list hypervisor hv1" in result.sentence
    running.nova.has("hv10")
    running.nova.has("hv1", state="down")
    result = await running.look()
    assert "Nova to hear from hypervisor hv1" in result.sentence
    running.nova.hypervisors[1]["state"] = "up"
    result = await running.look()
    assert result.done
    assert result.again_in is not None
    status = (await running.hypervisor())["status"]
    assert status["release"] == "2026.2"
    facts = status["facts"]
    assert facts["qemu"] == "10.0.13"
    assert facts["vcpus"] == 2
    assert facts["guests"] == 1


async def test_a_machine_is_not_ready_where_a_guest_would_find_no_room(
    running: worlds.World,
) -> None:
    running.nova.has("hv1")
    running.nova.inventories["id-of-hv1"] = ["MEMORY_MB"]
    result = await running.look()
    assert "Placement to hear of DISK_GB and VCPU on hv1" in result.sentence
    running.nova.inventories["id-of-hv1"] += ["DISK_GB", "VCPU"]
    assert (await running.look()).done


async def test_a_machine_is_not_ready_where_a_guest_would_find_no_network(
    running: worlds.World,
) -> None:
    running.nova.has("hv1")
    controller, agent = running.nova.agents["hv1"]
    controller["alive"] = False
    result = await running.look()
    assert "Neutron to hear from ovn-controller on hv1" in result.sentence
    controller["alive"] = True
    running.nova.agents["hv1"].remove(agent)
    result = await running.look()
    assert "Neutron to hear from neutron-ovn-agent on hv1" in result.sentence
    running.nova.agents["hv1"].append(agent)
    assert (await running.look()).done


async def test_what_was_found_by_looking_is_told(world: worlds.World) -> None:
    await world.look_at_node()
    await world.look()
    await world.run_pods(**LOOKS)
    await world.look()
    status = (await world.hypervisor())["status"]
    assert (status["virtualization"], status["datapath"]) == ("qemu", "netdev")
    assert status["facts"]["libvirt"] == "11.3.0"
    assert status["facts"]["reason"] == "/dev/kvm: No such file or directory"


async def test_last_words_that_are_no_facts_are_no_trouble(world: worlds.World) -> None:
    await world.look_at_node()
    await world.look()
    await world.run_pods(look="not JSON", prepare="[]")
    await world.look()
    assert "datapath" not in (await world.hypervisor())["status"]


@pytest.mark.parametrize(
    ("kind", "name", "condition", "said"),
    [
        (kinds.NEUTRON, "neutron", "MachineReady", "Neutron neutron to exist"),
        (kinds.OVN, "ovn", "NetworkingReady", "OVN ovn does not exist"),
        (kinds.SECRET, "nova-metadata-1", "MetadataServiceReady", "nova-metadata-1 does not exist"),
        (kinds.VHOST, "nova", "ComputeServiceReady", "Vhost nova does not exist"),
        (kinds.SECRET, "nova-queue-1", "ComputeServiceReady", "nova-queue-1 does not exist"),
    ],
)
async def test_an_object_that_is_missing_is_awaited_by_name(
    world: worlds.World, kind: Kind, name: str, condition: str, said: str
) -> None:
    await world.look_at_node()
    await world.source.delete(kind, name, "home" if kind.namespaced else "")
    result = await world.look()
    assert not result.failures
    assert said in await world.told(condition)


async def test_a_machine_that_is_not_ready_or_not_labelled_is_awaited(
    world: worlds.World,
) -> None:
    await world.look_at_node()
    await world.say(kinds.NODE, "hv1", "Ready", "False")
    await world.look()
    assert "Node hv1 to be ready" in await world.told("MachineReady")
    await world.apply(kinds.HYPERVISOR, "hv2", spec={"nodeName": "hv2"})
    await world.look("hv2")
    said = conditions.find(conditions.of(await world.hypervisor("hv2")), "MachineReady")
    assert said is not None
    assert "Node hv2 to have the label ouranos.cloud/hypervisor" in said["message"]


async def test_a_claim_or_a_server_without_an_address_is_awaited(
    world: worlds.World,
) -> None:
    await world.look_at_node()
    for kind, name in ((kinds.VHOST, "nova"), (kinds.OVN, "ovn")):
        found = await world.source.get(kind, name, "home")
        assert found is not None
        said = {"conditions": found["status"]["conditions"]}
        await world.source.replace_status({**found, "status": said})
    result = await world.look()
    assert not result.failures
    assert "Vhost nova is not ready" in await world.told("ComputeServiceReady")
    assert "OVN ovn does not say where it answers" in await world.told("NetworkingReady")


async def test_a_service_without_an_address_is_awaited(world: worlds.World) -> None:
    await world.look_at_node()
    await world.source.delete(kinds.SERVICE, "ovn-sb", "home")
    headless = {"clusterIP": "None", "ports": [{"name": "p", "port": 6642}]}
    await world.apply(kinds.SERVICE, "ovn-sb", spec=headless)
    await world.look()
    assert "Service ovn-sb has no address" in await world.told("NetworkingReady")


@pytest.mark.parametrize(
    ("kind", "name", "condition"),
    [
        (kinds.KEYSTONE, "keystone", "Available"),
        (kinds.PLACEMENT, "placement", "Available"),
        (kinds.NOVA, "nova", "SchemaReady"),
    ],
    ids=["Keystone", "Placement", "Nova's schema"],
)
async def test_nova_compute_begins_when_it_can_report_and_then_stays(
    world: worlds.World, kind: Kind, name: str, condition: str
) -> None:
    await world.look_at_node()
    await world.say(kind, name, condition, "False")
    await world.look()
    assert await world.source.get(kinds.DAEMON_SET, "nova-compute", "home") is None
    assert f"{kind.kind} {name} to be {condition}" in await world.told("ComputeServiceReady")
    await world.say(kind, name, condition, "True")
    await world.look()
    await world.say(kind, name, condition, "False")
    await world.look()
    assert await world.source.get(kinds.DAEMON_SET, "nova-compute", "home") is not None


async def test_a_pod_that_is_not_ready_is_named(world: worlds.World) -> None:
    await world.look_at_node()
    await world.look()
    assert "DaemonSet libvirt to make a pod on hv1" in await world.told("VirtualizationReady")
    await world.run_pods()
    await world.say(kinds.POD, "libvirt-x", "Ready", "False")
    await world.look()
    assert "pod libvirt-x: it is not ready" in await world.told("VirtualizationReady")


async def test_a_rollout_is_awaited(running: worlds.World) -> None:
    running.nova.has("hv1")
    found = await running.daemon_set("libvirt")
    status = {**found["status"], "updatedNumberScheduled": 0}
    await running.source.replace_status({**found, "status": status})
    await running.look()
    assert "DaemonSet libvirt to be rolled out" in await running.told("VirtualizationReady")


async def test_a_second_look_changes_nothing(running: worlds.World) -> None:
    running.nova.has("hv1")
    await running.look()
    before = await running.hypervisor()
    await running.look()
    assert await running.hypervisor() == before
    assert running.nova.changes == []


async def test_nova_is_told_whether_to_place_guests(running: worlds.World) -> None:
    running.nova.has("hv1")
    spec = {"spec": {"scheduling": "Disabled"}}
    await running.source.patch(kinds.HYPERVISOR, "hv1", "home", spec)
    await running.look()
    await running.look()
    ((verb, body),) = running.nova.changes
    assert (verb, body["disabled_reason"]) == ("disable-log-reason", "ouranos:home/hv1")
    spec = {"spec": {"scheduling": "Enabled"}}
    await running.source.patch(kinds.HYPERVISOR, "hv1", "home", spec)
    await running.look()
    assert running.nova.changes[1][0] == "enable"


@pytest.mark.parametrize("trouble", ["a silent node", "Nova hears nothing", "a rollout elsewhere"])
async def test_a_machine_that_is_not_well_gets_no_guests_if_so_asked(
    running: worlds.World, trouble: str
) -> None:
    running.nova.has("hv1", state="down" if trouble == "Nova hears nothing" else "up")
    if trouble == "a silent node":
        await running.say(kinds.NODE, "hv1", "Ready", "False")
    if trouble == "a rollout elsewhere":
        found = await running.daemon_set("libvirt")
        status = {**found["status"], "updatedNumberScheduled": 0}
        await running.source.replace_status({**found, "status": status})
    spec = {"spec": {"scheduling": "Disabled"}}
    await running.source.patch(kinds.HYPERVISOR, "hv1", "home", spec)
    assert not (await running.look()).done
    assert [verb for verb, _ in running.nova.changes] == ["disable-log-reason"]


async def test_a_machine_that_is_to_get_no_guests_is_told_of_as_soon_as_nova_knows_it(
    running: worlds.World,
) -> None:
    spec = {"spec": {"scheduling": "Disabled"}}
    await running.source.patch(kinds.HYPERVISOR, "hv1", "home", spec)
    result = await running.look()
    assert "Nova to know nova-compute on hv1, to place no guests there" in result.sentence
    running.nova.has("hv1")
    assert (await running.look()).done
    assert running.nova.services[0]["status"] == "disabled"


async def test_what_an_operator_disabled_by_hand_stays_so(running: worlds.World) -> None:
    running.nova.has("hv1")
    running.nova.services[0] |= {"status": "disabled", "disabled_reason": "a fan is broken"}
    await running.look()
    assert running.nova.changes == []


async def test_a_paused_machine_is_left_alone(world: worlds.World) -> None:
    await world.look_at_node()
    spec = {"spec": {"management": "Paused"}}
    await world.source.patch(kinds.HYPERVISOR, "hv1", "home", spec)
    await world.look()
    assert (await world.source.list(kinds.DAEMON_SET, "home")).items == []
