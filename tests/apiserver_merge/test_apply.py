"""The stories of server-side apply that people meet: sharing, conflicts, taking over, giving up."""

import copy
from typing import Any

import merge_strategies as strategies
import pytest

from ouranos.engine.apiserver.merge import apply, conflicts, managed, patches, strategic, typed
from ouranos.engine.apiserver.schema import builtin
from ouranos.kit import kinds

Object = dict[str, Any]
DEPLOYMENT = builtin.structural(kinds.DEPLOYMENT)


def deployment(**spec: Any) -> Object:
    pod = {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "here"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
            **spec,
        },
    }


def do(live: Object | None, obj: Object, manager: str = "one", **more: Any) -> Object:
    options = {"force": False, "subresource": "", "api_version": "apps/v1", "time": "T", **more}
    schema = options.pop("schema", DEPLOYMENT)
    result = apply.apply(live, obj, schema, manager=manager, **options)
    if result is not live:
        result["metadata"].setdefault("uid", "1")
        schema.default(result)
    return result


def managers(obj: Object) -> dict[str, Object]:
    return {
        f"{entry['manager']} {entry['operation']} {entry.get('subresource', '')}".strip(): entry
        for entry in obj["metadata"].get("managedFields", [])
    }


def test_what_is_applied_is_owned_and_defaults_are_not() -> None:
    made = do(None, deployment(replicas=2))
    fields = managers(made)["one Apply"]["fieldsV1"]
    assert fields["f:spec"]["f:replicas"] == {}
    assert "f:strategy" not in fields["f:spec"]
    assert made["spec"]["strategy"]["type"] == "RollingUpdate"


def test_a_container_is_known_by_its_name_and_a_port_by_its_default_protocol() -> None:
    fields = managers(do(None, deployment()))["one Apply"]["fieldsV1"]
    containers = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    web = containers['k:{"name":"web"}']
    assert web["f:ports"] == {
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
    }


def test_a_field_of_another_manager_is_not_changed() -> None:
    live = do(None, deployment(replicas=2))
    with pytest.raises(conflicts.Conflicts) as caught:
        do(live, deployment(replicas=3), "two")
    assert str(caught.value) == (
        'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    )
    (cause,) = caught.value.causes
    assert (cause.field, cause.message, cause.reason) == (
        ".spec.replicas", 'conflict with "one"', "FieldManagerConflict",
    )  # fmt: skip


def test_several_conflicts_are_listed_by_manager() -> None:
    live = do(None, deployment(replicas=2))
    changed = copy.deepcopy(live)
    changed["spec"]["paused"] = True
    live = managed.update(
        live, changed, DEPLOYMENT, manager="hand", subresource="", api_version="apps/v1", time="T"
    )
    with pytest.raises(conflicts.Conflicts) as caught:
        do(live, deployment(replicas=3, paused=False), "two")
    assert str(caught.value) == (
        "Apply failed with 2 conflicts: "
        'conflicts with "hand" using apps/v1:\n- .spec.paused\n'
        'conflicts with "one":\n- .spec.replicas'
    )


def test_the_same_value_is_shared_without_conflict() -> None:
    live = do(None, deployment(replicas=2))
    shared = do(live, deployment(replicas=2), "two")
    assert set(managers(shared)) == {"one Apply", "two Apply"}
    kept = do(shared, deployment(), "two")
    assert kept["spec"]["replicas"] == 2


def test_force_takes_the_field() -> None:
    live = do(do(None, deployment(replicas=2)), deployment(replicas=3), "two", force=True)
    assert live["spec"]["replicas"] == 3
    assert "f:replicas" not in managers(live)["one Apply"]["fieldsV1"]["f:spec"]


def test_what_is_no_longer_applied_goes_when_nobody_else_owns_it() -> None:
    live = do(None, deployment(paused=True))
    assert "paused" not in do(live, deployment())["spec"]


def test_a_container_that_is_no_longer_applied_goes_with_all_it_has() -> None:
    both = deployment()
    both["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    live = do(do(None, both), deployment())
    assert [one["name"] for one in live["spec"]["template"]["spec"]["containers"]] == ["web"]


def test_an_apply_that_changes_nothing_returns_the_same_object() -> None:
    live = do(None, deployment(replicas=2))
    assert do(live, deployment(replicas=2), time="later") is live


def test_status_belongs_to_its_own_door() -> None:
    stated = {**deployment(), "status": {"replicas": 5}}
    live = do(None, stated)
    assert live["status"] == {}
    status = {key: stated[key] for key in ("apiVersion", "kind", "metadata", "status")}
    live = do(live, status, subresource="status")
    assert live["status"] == {"replicas": 5}
    assert managers(live)["one Apply status"]["fieldsV1"] == {"f:status": {"f:replicas": {}}}


def test_a_custom_resources_status_door_takes_status_only() -> None:
    live = do(None, strategies.thing({"text": "a"}), schema=strategies.SCHEMA)
    stated = {**strategies.thing({"text": "b"}, {"a": "b"}), "status": {"text": "c"}}
    after = do(live, stated, schema=strategies.SCHEMA, subresource="status")
    assert after["spec"] == {"text": "a"}
    assert after["status"] == {"text": "c"}
    assert "labels" not in after["metadata"]


def test_an_object_from_before_the_books_is_owned_by_nobody_in_particular() -> None:
    live = deployment(replicas=2)
    live["metadata"]["uid"] = "1"
    after = do(live, deployment(replicas=2), "two")
    assert set(managers(after)) == {"before-first-apply Update", "two Apply"}
    assert "time" not in managers(after)["before-first-apply Update"]


def test_a_field_that_the_schema_does_not_know_cannot_be_applied() -> None:
    with pytest.raises(typed.Untypable, match=r"spec\.bogus: field not declared in schema"):
        do(None, deployment(bogus=1))


def test_shapes_and_keys_are_checked_before_anything_is_merged() -> None:
    wrong = deployment(replicas={})
    containers = wrong["spec"]["template"]["spec"]["containers"]
    containers += [{"name": "web"}, "text", {}]
    wrong["spec"]["template"]["spec"]["imagePullSecrets"] = {}
    wrong["metadata"]["finalizers"] = [{}]
    with pytest.raises(typed.Untypable) as caught:
        do(None, wrong)
    assert caught.value.problems == (
        (
            ".metadata.finalizers: element 0: associative list without keys has an element "
            "that's a map type"
        ),
        '.spec.template.spec.containers: duplicate entries for key [name="web"]',
        (
            ".spec.template.spec.containers: element 2: associative list with keys may not have "
            "non-map elements"
        ),
        ".spec.template.spec.imagePullSecrets: expected list, got map",
        ".spec.replicas: expected numeric (int or float), got map",
    )


def update(live: Object | None, new: Object, manager: str = "hand", **more: Any) -> Object:
    options = {"subresource": "", "api_version": "apps/v1", "time": "T", **more}
    return managed.update(live, new, DEPLOYMENT, manager=manager, **options)


def test_a_created_object_belongs_to_its_creator_without_the_structs_it_always_has() -> None:
    new = deployment()
    DEPLOYMENT.default(new)
    fields = managers(update(None, new))["hand Update"]["fieldsV1"]["f:spec"]
    assert "." not in fields
    assert fields["f:strategy"]["f:type"] == {}
    assert "." in fields["f:strategy"]["f:rollingUpdate"]


def test_an_updater_that_empties_the_books_starts_new_ones() -> None:
    live = do(None, deployment(replicas=2))
    reset = copy.deepcopy(live)
    reset["metadata"]["managedFields"] = [{}]
    assert "managedFields" not in update(live, reset)["metadata"]


def test_books_that_make_no_sense_are_ignored() -> None:
    live = do(None, deployment(replicas=2))
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"] = [{"manager": "x", "operation": "Guess"}]
    new["spec"]["replicas"] = 3
    assert set(managers(update(live, new))) == {"one Apply", "hand Update"}


def test_books_are_not_begun_by_an_update() -> None:
    live = deployment(replicas=2)
    live["metadata"]["uid"] = "1"
    new = copy.deepcopy(live)
    new["spec"]["replicas"] = 3
    assert "managedFields" not in update(live, new)["metadata"]


def test_the_oldest_of_more_than_ten_updaters_are_joined() -> None:
    live = update(None, deployment())
    live["metadata"]["uid"] = "1"
    for number in range(12):
        new = copy.deepcopy(live)
        new["metadata"].setdefault("labels", {})[f"label-{number}"] = "x"
        live = update(live, new, f"hand-{number:02}", time=f"2026-01-01T00:00:{number:02}Z")
    assert len(live["metadata"]["managedFields"]) == 10
    assert "ancient-changes Update" in managers(live)


def test_who_removes_a_field_takes_it_from_its_owner() -> None:
    live = do(None, deployment(paused=True))
    new = copy.deepcopy(live)
    del new["spec"]["paused"]
    after = update(live, new)
    assert "f:paused" not in managers(after)["one Apply"]["fieldsV1"]["f:spec"]
    assert "hand Update" not in managers(after)


def test_items_that_are_there_twice_are_owned_as_one() -> None:
    double = [{"key": "a", "value": 1}, {"key": "a", "value": 2}]
    live = strategies.thing({"entries": double})
    live["metadata"]["uid"] = "1"
    after = do(live, strategies.thing({"text": "x"}), schema=strategies.SCHEMA, api_version="g/v1")
    books = managers(after)["before-first-apply Update"]["fieldsV1"]["f:spec"]
    assert books["f:entries"] == {".": {}, 'k:{"key":"a"}': {}}
    assert after["spec"]["entries"] == double
    for entries in ([{"key": "a", "value": 1}], [], [*reversed(double)]):
        new = copy.deepcopy(after)
        new["spec"]["entries"] = entries
        changed = managed.update(
            after, new, strategies.SCHEMA,
            manager="b", subresource="", api_version="g/v1", time="T",
        )  # fmt: skip
        back = managed.update(
            changed, copy.deepcopy(after), strategies.SCHEMA,
            manager="c", subresource="", api_version="g/v1", time="T",
        )  # fmt: skip
        assert back["spec"] == after["spec"]


def test_an_emptied_list_is_forgotten() -> None:
    live = do(None, strategies.thing({"set": ["a"], "text": "x"}), schema=strategies.SCHEMA)
    after = do(live, strategies.thing({"text": "x"}), schema=strategies.SCHEMA)
    assert after["spec"] == {"text": "x"}


def test_a_free_form_value_that_turns_from_one_to_true_has_changed() -> None:
    live = do(None, strategies.thing({"free": {"a": [1]}}), schema=strategies.SCHEMA)
    new = copy.deepcopy(live)
    new["spec"]["free"]["a"] = [True]
    after = managed.update(
        live, new, strategies.SCHEMA, manager="b", subresource="", api_version="g/v1", time="T"
    )
    assert managers(after)["b Update"]["fieldsV1"] == {"f:spec": {"f:free": {"f:a": {}}}}


STRANGE = {
    "an unknown directive": {"spec": {"$patch": "frob"}},
    "an item that is no map": {"spec": {"containers": ["a"]}},
    "an order that the patch contradicts": {
        "spec": {
            "containers": [{"name": "b"}, {"name": "a"}],
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        }
    },
    "an item without its key": {"spec": {"containers": [{"image": "x"}]}},
    "retained keys that lack a stated one": {
        "spec": {"volumes": [{"name": "a", "$retainKeys": ["name"], "emptyDir": {}}]}
    },
}


@pytest.mark.parametrize("patch", STRANGE.values(), ids=STRANGE.keys())
def test_a_strategic_patch_that_contradicts_itself_is_refused(patch: Object) -> None:
    pod = {"spec": {"containers": [{"name": "a"}], "volumes": [{"name": "a", "hostPath": {}}]}}
    with pytest.raises(strategic.StrategicError):
        patches.strategic(pod, patch, builtin.structural(kinds.POD))
