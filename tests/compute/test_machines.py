"""Does each labelled machine become a Hypervisor, and leave only without guests?"""

import compute_worlds as worlds

from ouranos.kit import kinds


async def test_a_labelled_node_becomes_a_hypervisor_of_each_cloud(
    world: worlds.World,
) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "away"}}
    await world.source.apply(namespace)
    spec = {"release": "2026.2", "compute": {"virtualization": "qemu"}}
    await world.apply(kinds.NOVA, "nova", metadata={"namespace": "away"}, spec=spec)
    assert (await world.look_at_node()).done
    found = (await world.source.list(kinds.HYPERVISOR)).items
    assert [one["metadata"]["namespace"] for one in found] == ["away", "home"]
    assert [one["spec"]["compute"]["virtualization"] for one in found] == ["qemu", "auto"]
    assert found[0]["spec"]["nodeName"] == worlds.NODE


async def test_a_second_look_at_a_node_changes_nothing(world: worlds.World) -> None:
    await world.look_at_node()
    before = await world.hypervisor()
    await world.look_at_node()
    assert await world.hypervisor() == before


async def test_a_node_without_the_label_is_none(world: worlds.World) -> None:
    await world.node("other", hypervisor=None)
    await world.look_at_node("other")
    assert await world.source.get(kinds.HYPERVISOR, "other", "home") is None


async def test_a_machine_leaves_when_it_has_no_guests(world: worlds.World) -> None:
    await world.look_at_node()
    found = await world.hypervisor()
    await world.source.replace_status({**found, "status": {"facts": {"guests": 2}}})
    labels = {"labels": {"ouranos.cloud/hypervisor": None}}
    await world.source.patch(kinds.NODE, worlds.NODE, "", {"metadata": labels})
    result = await world.look_at_node()
    assert "to have no guests; it has 2" in result.sentence
    found = await world.hypervisor()
    await world.source.replace_status({**found, "status": {"facts": {"guests": 0}}})
    assert (await world.look_at_node()).done
    assert await world.source.get(kinds.HYPERVISOR, worlds.NODE, "home") is None


async def test_a_hypervisor_that_a_person_wrote_is_not_deleted(world: worlds.World) -> None:
    await world.node("other", hypervisor=None)
    await world.apply(kinds.HYPERVISOR, "other", spec={"nodeName": "other"})
    assert (await world.look_at_node("other")).done
    assert await world.hypervisor("other")
