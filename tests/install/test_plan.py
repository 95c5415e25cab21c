"""What is planned for a cluster, what is refused before anything is changed, and what is done?"""

import cluster_worlds as worlds
import pytest

from ouranos.install import manifests, order, plan, trouble
from ouranos.kit import kinds, objects

EVERY = len(manifests.every(worlds.WANTED))
DEPLOYMENT = (kinds.DEPLOYMENT, order.NAME, worlds.NS)


async def test_an_empty_cluster_gets_everything_and_the_second_time_nothing(
    world: worlds.World,
) -> None:
    made = await world.plan()
    assert world.door.writes == []
    assert [row.action for row in made.rows] == [plan.Action.CREATE] * EVERY
    assert made.summary() == f"{EVERY} to create"
    await world.do(made)
    assert len(world.said) == len(world.door.writes) == EVERY
    assert world.said[0] == "created Namespace ouranos-system"
    assert world.said[-1] == "created Deployment ouranos-system/ouranos-controllers"
    again = await world.plan()
    assert set(worlds.actions(again)) == {"unchanged"}
    assert again.summary() == "nothing to do: everything is as it should be"
    await world.do(again)
    assert len(world.door.writes) == EVERY


async def test_what_differs_is_named_by_its_fields(world: worlds.World) -> None:
    await world.install()
    made = await world.plan(order.Order(replicas=3, images="registry.test", version="0.2.0"))
    (row,) = made.changes
    assert row.told() == {
        "action": "change",
        "kind": "Deployment",
        "name": "ouranos-controllers",
        "namespace": "ouranos-system",
        "detail": "spec.replicas, spec.template.spec",
    }
    assert made.summary() == f"1 to change, {EVERY - 1} unchanged"
    await world.do(made)
    assert (await world.there(*DEPLOYMENT))["spec"]["replicas"] == 3


async def test_a_new_version_changes_what_bears_the_version(world: worlds.World) -> None:
    await world.install()
    made = await world.plan(order.Order(version="0.3.0"))
    assert set(worlds.actions(made)) == {"change"}
    await world.do(made)
    found = await world.there(*DEPLOYMENT)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "ouranos.cloud/controllers:0.3.0"


async def test_what_a_version_has_no_more_is_removed(world: worlds.World) -> None:
    await world.install()
    labels = {**order.OURS}
    await world.apply(kinds.CLUSTER_ROLE, "of-old", metadata={"labels": labels}, rules=[])
    await world.apply(kinds.CLUSTER_ROLE, "of-others", rules=[])
    made = await world.plan()
    (row,) = made.changes
    assert (row.action, row.key.name, row.detail) == ("remove", "of-old", "of another version")
    await world.do(made)
    assert world.said[-1] == "removed ClusterRole of-old"
    assert await world.get(kinds.CLUSTER_ROLE, "of-old") is None
    assert await world.get(kinds.CLUSTER_ROLE, "of-others") is not None


async def test_a_kind_that_is_no_more_stays_while_objects_use_it(world: worlds.World) -> None:
    await world.install()
    found = await world.there(kinds.CUSTOM_RESOURCE_DEFINITION, "clouds.ouranos.cloud")
    names = {"kind": "Old", "plural": "olds", "listKind": "OldList", "singular": "old"}
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True}
    spec = {
        "group": "ouranos.cloud",
        "names": names,
        "scope": "Namespaced",
        "versions": [{**version, "schema": {"openAPIV3Schema": anything}}],
    }
    labels = objects.labels_of(found)
    metadata = {"labels": labels}
    old = "olds.ouranos.cloud"
    await world.apply(kinds.CUSTOM_RESOURCE_DEFINITION, old, metadata=metadata, spec=spec)
    assert worlds.actions(await world.plan())["remove"] == {f"CustomResourceDefinition/{old}"}
    kind = objects.Kind("ouranos.cloud", "v1alpha1", "Old", "olds")
    kinds.register(kind)
    await world.apply(kinds.NAMESPACE, "home")
    await world.apply(kind, "one", "home")
    made = await world.plan()
    assert worlds.actions(made)["keep"] == {f"CustomResourceDefinition/{old}"}
    assert [row.detail for row in made.rows if row.action == "keep"] == [
        "this version has it no more; 1 objects use it"
    ]
    assert made.changes == ()


async def test_equal_objects_of_another_manager_are_taken_over(world: worlds.World) -> None:
    for obj in manifests.every(worlds.WANTED):
        await world.source.apply(obj, manager="flux")
    made = await world.plan()
    assert {row.detail for row in made.changes} == {"taken over as it is"}
    await world.do(made)
    assert (await world.plan()).changes == ()


async def test_a_field_of_somebody_else_is_refused_or_taken_over(world: worlds.World) -> None:
    await world.install()
    await world.source.patch(*DEPLOYMENT, {"spec": {"replicas": 7}})
    await world.apply(*DEPLOYMENT, spec={"replicas": 7})
    before = len(world.door.writes)
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    told = worlds.said(caught)
    assert "Deployment ouranos-system/ouranos-controllers: somebody else has set" in told
    assert "spec.replicas" in told
    assert "somebody" in told
    assert "--take-over" in told
    assert len(world.door.writes) == before
    assert (await world.plan(order.Order(replicas=7, version="0.2.0"))).changes == ()
    await world.install(force=True)
    assert (await world.there(*DEPLOYMENT))["spec"]["replicas"] == 2


async def test_too_old_a_kubernetes_is_refused(world: worlds.World) -> None:
    world.door.version = {"major": "1", "minor": "30+", "gitVersion": "v1.30.4-x"}
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert worlds.said(caught) == (
        "the cluster runs Kubernetes v1.30.4-x; Ouranos needs 1.31 "
        "(upgrade the cluster to 1.31 or newer)"
    )
    world.door.version = {"major": "1", "minor": "31", "gitVersion": "v1.31.0"}
    assert (await world.plan()).changes


@pytest.mark.parametrize(
    ("denied", "told"),
    [
        ({("list", "deployments"), ("get", "roles")}, "list deployments.apps"),
        ({("create", "clusterroles")}, "create clusterroles.rbac.authorization.k8s.io"),
        ({("patch", "deployments")}, "patch deployments.apps in namespace ouranos-system"),
    ],
)
async def test_every_right_that_is_missing_is_named(
    world: worlds.World, denied: set[tuple[str, str]], told: str
) -> None:
    world.door.denied = denied
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert told in worlds.said(caught)
    for verb, resource in denied:
        assert f"{verb} {resource}" in worlds.said(caught)
    assert world.door.writes == []


async def test_rights_that_would_be_given_without_being_had_are_refused(
    world: worlds.World,
) -> None:
    words = 'user "x" is attempting to grant RBAC permissions not currently held: {...}'
    world.door.refused["PATCH", "/clusterroles/ouranos-controllers"] = (403, words)
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert worlds.said(caught) == (
        "ClusterRole ouranos-controllers: the credentials may not give rights that they do not "
        "have themselves (be cluster-admin, or have the verb escalate on clusterroles)"
    )


async def test_what_the_cluster_would_refuse_is_refused_before_anything_is_done(
    world: worlds.World,
) -> None:
    world.door.refused["PATCH", "/ouranos-view"] = (400, "not here")
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert "ClusterRole ouranos-view: the cluster refuses it: not here" in worlds.said(caught)
    assert world.door.writes == []


async def test_a_binding_whose_role_is_not_there_yet_is_planned(world: worlds.World) -> None:
    world.door.refused["PATCH", "/clusterrolebindings/ouranos-controllers"] = (404, "no role")
    made = await world.plan()
    assert "ClusterRoleBinding/ouranos-controllers" in worlds.actions(made)["create"]


async def test_being_broken_off_says_how_far_it_came_and_going_on_is_the_same_again(
    world: worlds.World,
) -> None:
    made = await world.plan()
    world.door.refused["PATCH", "/deployments/ouranos-controllers"] = (500, "no space left")
    with pytest.raises(trouble.BrokenOffError, match=f"after {EVERY - 1} of {EVERY} steps"):
        await world.do(made)
    world.door.refused.clear()
    assert len((await world.install()).changes) == 1
    assert (await world.plan()).changes == ()


async def test_a_second_installation_is_refused(world: worlds.World) -> None:
    await world.install()
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan(order.Order(namespace="elsewhere", version="0.2.0"))
    assert "Ouranos is installed in namespace ouranos-system already" in worlds.said(caught)
    assert "ouranos uninstall --namespace ouranos-system" in worlds.said(caught)


async def test_kinds_of_strangers_are_refused_in_one_line(world: worlds.World) -> None:
    for definition in manifests.definitions(worlds.WANTED)[:2]:
        bare = {**definition, "metadata": {"name": definition["metadata"]["name"]}}
        await world.source.apply(bare, manager="helm")
    before = len(world.door.writes)
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    (one,) = caught.value.troubles
    assert one.message == (
        "CustomResourceDefinition cinders.ouranos.cloud, clouds.ouranos.cloud: "
        "there already and not ours: helm made it"
    )
    assert "kubectl label customresourcedefinitions.apiextensions.k8s.io" in one.hint
    assert len(world.door.writes) == before


async def test_a_newer_ouranos_is_not_overwritten(world: worlds.World) -> None:
    await world.install(order.Order(version="0.10.0"))
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan(order.Order(version="0.9.1"))
    assert "Deployment ouranos-controllers is of Ouranos 0.10.0; this is 0.9.1" in worlds.said(
        caught
    )


@pytest.mark.parametrize("candidate", ["0.2.0rc1", "0.2.0.dev5", "0.2.0a1"])
async def test_a_release_follows_its_candidate(world: worlds.World, candidate: str) -> None:
    await world.install(order.Order(version=candidate))
    await world.install(order.Order(version="0.2.0"))
    with pytest.raises(trouble.RefusedError, match=f"is of Ouranos 0.2.0; this is {candidate}"):
        await world.plan(order.Order(version=candidate))


async def test_a_version_that_is_stored_and_not_known_is_refused(world: worlds.World) -> None:
    await world.install()
    name = "clouds.ouranos.cloud"
    found = await world.there(kinds.CUSTOM_RESOURCE_DEFINITION, name)
    status = {**found["status"], "storedVersions": ["v1alpha1", "v1"]}
    await world.source.replace_status({**found, "status": status})
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert f"CustomResourceDefinition {name} stores v1, which this Ouranos does not" in worlds.said(
        caught
    )


async def test_what_is_being_deleted_is_waited_for_by_the_person(world: worlds.World) -> None:
    await world.apply(kinds.NAMESPACE, worlds.NS, metadata={"finalizers": ["test/held"]})
    await world.source.delete(kinds.NAMESPACE, worlds.NS)
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert "namespace ouranos-system is being deleted" in worlds.said(caught)


async def test_a_definition_that_is_being_deleted_is_refused(world: worlds.World) -> None:
    await world.install()
    name = "clouds.ouranos.cloud"
    await world.annotate(kinds.CUSTOM_RESOURCE_DEFINITION, name, finalizers=["test/held"])
    await world.source.delete(kinds.CUSTOM_RESOURCE_DEFINITION, name)
    with pytest.raises(trouble.RefusedError) as caught:
        await world.plan()
    assert f"CustomResourceDefinition {name} is being deleted" in worlds.said(caught)


async def test_a_cluster_without_a_default_storage_class_is_warned_of(world: worlds.World) -> None:
    (warning,) = (await world.plan()).warnings
    assert "no default StorageClass" in warning.message
    assert warning.hint == "install a storage provisioner"
    await world.apply(kinds.STORAGE_CLASS, "slow", provisioner="test/none")
    (warning,) = (await world.plan()).warnings
    assert warning.hint == "mark one of slow as the default"
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    metadata = {"annotations": default}
    await world.apply(kinds.STORAGE_CLASS, "fast", metadata=metadata, provisioner="test/none")
    assert (await world.plan()).warnings == ()
    world.door.denied = {("list", "storageclasses")}
    (warning,) = (await world.plan()).warnings
    assert "could not be seen" in warning.message


async def test_somebodys_namespace_is_not_changed(world: worlds.World) -> None:
    """What else is there may need rights that our pods do not."""
    before = await world.apply(kinds.NAMESPACE, worlds.NS)
    made = await world.install()
    assert "Namespace/ouranos-system" not in worlds.actions(made)["create"]
    found = await world.there(kinds.NAMESPACE, worlds.NS)
    assert objects.labels_of(found) == objects.labels_of(before)
    assert objects.annotations_of(found) == objects.annotations_of(before)
    assert (await world.plan()).changes == ()


async def test_a_namespace_from_git_is_kept_up_to_date_and_not_marked_as_made(
    world: worlds.World,
) -> None:
    await world.apply(kinds.NAMESPACE, worlds.NS, metadata={"labels": order.OURS})
    await world.install()
    found = await world.there(kinds.NAMESPACE, worlds.NS)
    assert objects.labels_of(found)["pod-security.kubernetes.io/enforce"] == "restricted"
    assert plan.MADE not in objects.annotations_of(found)


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"d": 2}}}}, ["a.b.c"]),
        ({"a": [1]}, {"a": [1, 2], "b": 0}, ["a", "b"]),
        ({"status": 1, "metadata": {"generation": 1}}, {"metadata": {"generation": 2}}, []),
    ],
)
def test_a_difference_is_told_as_far_down_as_a_person_wants_to_know(
    before: objects.Object, after: objects.Object, paths: list[str]
) -> None:
    assert list(plan.difference(before, after)) == paths
