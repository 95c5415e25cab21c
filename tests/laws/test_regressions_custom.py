"""What random calls about a custom kind have shown: once answered otherwise."""

import json
from typing import Any

import httpx2
import laws_gadget
import pytest
from laws_calls import APPLY, JSON, patch

Object = dict[str, Any]
Eventually = Any


@pytest.fixture
async def gadgets(api: httpx2.AsyncClient, home: str, eventually: Eventually) -> str:
    """The path of the custom kind of the sequences, in the fresh namespace."""
    made = await api.post(laws_gadget.DEFINITIONS, json=laws_gadget.definition())
    assert made.status_code in {201, 409}, made.text
    path = f"/apis/{laws_gadget.API_VERSION}/namespaces/{home}/gadgets"

    async def served() -> bool:
        return (await api.get(path)).status_code == 200

    await eventually(served)
    return path


def gadget(spec: Object, **more: Any) -> Object:
    head = {"apiVersion": laws_gadget.API_VERSION, "kind": "Gadget", "metadata": {"name": "one"}}
    return {**head, "spec": spec, **more}


def causes(refused: httpx2.Response) -> dict[str, str]:
    assert refused.status_code == 422, refused.text
    return {each["field"]: each["message"] for each in refused.json()["details"]["causes"]}


async def test_an_applied_null_is_no_value(api: httpx2.AsyncClient, gadgets: str) -> None:
    refused = await patch(api, f"{gadgets}/one", gadget({"colour": None}), APPLY)
    assert refused.status_code == 422
    found = [each["message"] for each in refused.json()["details"]["causes"]]
    assert 'Invalid value: "null": spec.colour in body must be of type string: "null"' in found
    assert 'Unsupported value: null: supported values: "red", "green"' in found


async def test_an_applied_null_gets_the_default(api: httpx2.AsyncClient, gadgets: str) -> None:
    made = await patch(api, f"{gadgets}/one", gadget({"size": None, "empty": None}), APPLY)
    assert made.status_code == 201, made.text
    assert made.json()["spec"]["size"] == 3
    assert made.json()["spec"]["empty"] is None


async def test_a_null_that_is_created_is_left_out(api: httpx2.AsyncClient, gadgets: str) -> None:
    made = await api.post(gadgets, json=gadget({"colour": None}))
    assert made.status_code == 201, made.text
    assert "colour" not in made.json()["spec"]


@pytest.mark.parametrize("empty", [{"labels": {}}, {"finalizers": []}, {"annotations": None}])
async def test_empty_metadata_that_is_applied_is_a_change_until_the_next_write(
    api: httpx2.AsyncClient, gadgets: str, empty: Object
) -> None:
    applied = gadget({})
    applied["metadata"] = {**applied["metadata"], **empty}
    path = f"{gadgets}/one"
    answers = [await patch(api, path, applied, APPLY)]
    answers.append(await patch(api, path, applied, APPLY))
    answers += [await patch(api, path, {"metadata": {}}) for _ in range(2)]
    versions = [each.json()["metadata"]["resourceVersion"] for each in answers]
    assert len(set(versions[:3])) == 3
    assert versions[2] == versions[3]
    assert not empty.keys() & answers[0].json()["metadata"].keys()


async def test_an_integer_is_no_multiple_of_a_fraction(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    refused = await api.post(gadgets, json=gadget({"nested": {"depth": 2}}))
    assert causes(refused)["spec.nested.depth"] == (
        "Invalid value: 0: factor MultipleOf declared for spec.nested.depth must be positive: 0"
    )
    made = await api.post(gadgets, json=gadget({"nested": {"depth": 1.5}}))
    assert made.status_code == 201, made.text


async def test_a_whole_number_is_written_without_a_point(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    text = json.dumps(gadget({"free": {"a": 2.0, "b": 1000.0, "c": 1.5, "d": 1e21}}))
    made = await api.post(gadgets, content=text, headers={"content-type": "application/json"})
    assert '"free":{"a":2,"b":1000,"c":1.5,"d":1e+21}' in made.text.replace("1e21", "1e+21")


async def test_true_is_not_one(api: httpx2.AsyncClient, gadgets: str) -> None:
    await api.post(gadgets, json=gadget({"port": 1, "free": {"a": 1}}))
    refused = await patch(api, f"{gadgets}/one", {"spec": {"port": True}})
    assert "must be of type integer,string" in causes(refused)["spec.port"]


async def test_what_is_wrong_with_a_status_is_told_without_its_place(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    await api.post(gadgets, json=gadget({}))
    change = {"status": {"phase": 1, "conditions": [{"type": 3, "status": "x"}]}}
    found = causes(await patch(api, f"{gadgets}/one/status", change))
    assert found["status.phase"].endswith(': phase in body must be of type string: "integer"')
    assert ": conditions[0].type in body" in found["status.conditions[0].type"]


async def test_a_status_that_does_not_fit_leaves_no_books(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    made = await api.post(gadgets, json=gadget({"size": 5}, status={"phase": 1}))
    assert made.status_code == 201, made.text
    assert "managedFields" not in made.json()["metadata"]
    assert "status" not in made.json()


async def test_a_spec_that_does_not_fit_loses_the_books_at_the_door_of_status(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    made = (await api.post(gadgets, json=gadget({"size": 5}))).json()
    assert made["metadata"]["managedFields"]
    change = {**made, "spec": {"size": "big"}, "status": {"count": 1}}
    changed = await api.put(f"{gadgets}/one/status", json=change)
    assert changed.status_code == 200, changed.text
    assert changed.json()["spec"]["size"] == 5
    assert changed.json()["status"]["count"] == 1
    assert "managedFields" not in changed.json()["metadata"]


async def test_who_wrote_before_the_first_apply_is_asked_at_its_own_door(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    await api.post(gadgets, json=gadget({}, status={"phase": 1}))
    state = {**gadget({}), "status": {"count": 1}}
    applied = await patch(api, f"{gadgets}/one/status", state, APPLY)
    assert applied.status_code == 200, applied.text
    (entry,) = applied.json()["metadata"]["managedFields"]
    assert (entry["manager"], entry["subresource"]) == ("me", "status")


@pytest.mark.parametrize("place", ["/metadata/labels", "/metadata/finalizers", "/metadata"])
async def test_a_patch_that_makes_no_object_is_what_is_invalid(
    api: httpx2.AsyncClient, gadgets: str, place: str
) -> None:
    await api.post(gadgets, json=gadget({}))
    change = [{"op": "add", "path": place, "value": "a"}]
    refused = await patch(api, f"{gadgets}/one", change, JSON)
    assert causes(refused).keys() == {"patch"}
    assert refused.json()["message"].startswith(' "" is invalid: patch: Invalid value: ')
    assert "kind" not in refused.json()["details"]


async def test_a_json_patch_replaces_what_is_not_there(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    await api.post(gadgets, json=gadget({}))
    change = [{"op": "replace", "path": "/metadata/labels", "value": {"a": "b"}}]
    changed = await patch(api, f"{gadgets}/one", change, JSON)
    assert changed.json()["metadata"]["labels"] == {"a": "b"}
    nowhere = [{"op": "replace", "path": "/metadata/annotations/a", "value": "b"}]
    assert (await patch(api, f"{gadgets}/one", nowhere, JSON)).status_code == 422


async def test_a_patch_may_not_take_the_name(api: httpx2.AsyncClient, gadgets: str) -> None:
    await api.post(gadgets, json=gadget({}))
    refused = await patch(api, f"{gadgets}/one", {"metadata": {"name": None}})
    assert refused.status_code == 400
    assert refused.json()["message"] == (
        "the name of the object (one based on URL) was undeterminable: name must be provided"
    )


async def test_a_finalizer_that_is_stated_twice_is_warned_of_once(
    api: httpx2.AsyncClient, gadgets: str
) -> None:
    obj = gadget({})
    obj["metadata"]["finalizers"] = ["mine", "mine"]
    made = await api.post(gadgets, json=obj)
    assert len(made.headers.get_list("warning")) == 1
    await patch(api, f"{gadgets}/one", {"metadata": {"finalizers": None}})


async def test_conflicts_name_the_upper_fields_first(api: httpx2.AsyncClient, gadgets: str) -> None:
    path = f"{gadgets}/one"
    await patch(api, path, gadget({"settings": {"a": "1"}, "size": 4}), APPLY, fieldManager="ann")
    refused = await patch(api, path, gadget({"settings": {"a": "2"}, "size": 5}), APPLY)
    assert refused.status_code == 409
    assert refused.json()["message"].splitlines() == [
        'Apply failed with 2 conflicts: conflicts with "ann":',
        "- .spec.size",
        "- .spec.settings.a",
    ]


async def test_a_name_is_taken_while_its_object_goes(api: httpx2.AsyncClient, gadgets: str) -> None:
    obj = gadget({})
    obj["metadata"]["finalizers"] = ["law.test/a"]
    await api.post(gadgets, json=obj)
    await api.delete(f"{gadgets}/one")
    refused = await api.post(gadgets, json=gadget({}))
    assert refused.status_code == 409
    assert refused.json()["message"].startswith("object is being deleted: gadgets.")
    await patch(api, f"{gadgets}/one", {"metadata": {"finalizers": None}})


async def test_a_second_deletion_may_wish_otherwise(api: httpx2.AsyncClient, gadgets: str) -> None:
    obj = gadget({})
    obj["metadata"]["finalizers"] = ["law.test/a"]
    await api.post(gadgets, json=obj)
    await api.delete(f"{gadgets}/one")
    wish = {"propagationPolicy": "Foreground"}
    again = await api.request("DELETE", f"{gadgets}/one", json=wish)
    assert set(again.json()["metadata"]["finalizers"]) == {"law.test/a", "foregroundDeletion"}
    await patch(api, f"{gadgets}/one", {"metadata": {"finalizers": None}})
