"""What must hold of field sets, merging and server-side apply, whatever the objects are."""

import copy
from typing import Any

import merge_strategies as strategies
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ouranos.engine.apiserver.merge import (
    apply,
    compare,
    conflicts,
    managed,
    patches,
    sets,
    typed,
    values,
)

settings.register_profile("merge", max_examples=60, deadline=None)
settings.load_profile("merge")

Object = dict[str, Any]
ROOT = strategies.SCHEMA.root
field_sets = st.builds(lambda obj: typed.field_set(obj, ROOT), strategies.things)


def applied(live: Object | None, obj: Object, manager: str, *, force: bool = True) -> Object:
    result = apply.apply(
        live, obj, strategies.SCHEMA, manager=manager, force=force, subresource="",
        api_version="g/v1", time="2026-01-01T00:00:00Z",
    )  # fmt: skip
    return stored(result)


def stored(obj: Object) -> Object:
    """Do what the server does after merging: defaults, and an identity."""
    obj["metadata"].setdefault("uid", "1")
    strategies.SCHEMA.default(obj)
    return obj


def owned(obj: Object, manager: str) -> sets.Set:
    for entry in obj["metadata"].get("managedFields", []):
        if entry["manager"] == manager:
            return entry["fieldsV1"]
    return {}


@given(field_sets, field_sets, field_sets)
def test_union_is_associative_commutative_and_idempotent(a: Any, b: Any, c: Any) -> None:
    assert sets.union(a, sets.union(b, c)) == sets.union(sets.union(a, b), c)
    assert sets.union(a, b) == sets.union(b, a)
    assert sets.union(a, a) == a
    assert sets.union(a, {}) == a


@given(field_sets, field_sets)
def test_difference_and_intersection_part_a_set_in_two(a: Any, b: Any) -> None:
    common, rest = sets.intersection(a, b), sets.difference(a, b)
    assert sets.union(common, rest) == a
    assert sets.intersection(rest, b) == {}
    assert sets.difference(common, b) == {}


@given(strategies.things, strategies.things)
def test_merging_removes_nothing(live: Object, obj: Object) -> None:
    # A free-form value may change its shape, and then what was inside it goes.
    live["spec"].pop("free", None)
    merged = values.merge(live, obj, ROOT)
    assert compare.compare(live, merged, ROOT).removed == {}


@given(strategies.things)
def test_an_object_merged_with_itself_or_nothing_stays(obj: Object) -> None:
    assert values.merge(obj, obj, ROOT) == obj
    assert values.merge({}, obj, ROOT) == obj
    assert values.merge(obj, {}, ROOT) == obj


@given(strategies.things)
def test_nothing_differs_from_its_copy(obj: Object) -> None:
    assert compare.compare(obj, copy.deepcopy(obj), ROOT) == ({}, {}, {})


@given(strategies.things, strategies.things)
def test_what_one_direction_adds_the_other_removes(one: Object, other: Object) -> None:
    there = compare.compare(one, other, ROOT)
    back = compare.compare(other, one, ROOT)
    assert there.added == back.removed
    assert there.removed == back.added
    assert there.modified == back.modified


@given(strategies.things)
def test_cutting_all_that_an_object_states_leaves_no_value(obj: Object) -> None:
    stated = sets.with_structs(typed.field_set(obj, ROOT), ROOT)
    left = values.without(obj, stated, ROOT)
    assert left is None or typed.field_set(left, ROOT) == {}


@given(strategies.things, strategies.things, strategies.things)
def test_applying_again_changes_nothing(first: Object, second: Object, third: Object) -> None:
    live = applied(applied(applied(None, first, "a"), second, "b"), third, "a")
    # An emptied struct is null until defaults drop it, so the first repetition may bring it back.
    live = applied(live, third, "a")
    assert applied(live, third, "a") is live


@given(strategies.things, strategies.things)
def test_a_forced_apply_makes_everything_as_stated(first: Object, second: Object) -> None:
    live = applied(applied(None, first, "a"), second, "b")
    again = values.merge(live, second, ROOT)
    assert compare.compare(managed.without_managed_fields(live), again, ROOT).modified == {}
    stated = managed.stripped(typed.field_set(second, ROOT))
    assert sets.difference(stated, owned(live, "b")) == {}


@given(strategies.things)
def test_a_manager_that_states_nothing_any_more_leaves_nothing(obj: Object) -> None:
    live = applied(None, obj, "a")
    empty = strategies.thing({})
    bare = applied(live, {key: value for key, value in empty.items() if key != "spec"}, "a")
    assert owned(bare, "a") == {}
    left = managed.stripped(typed.field_set(managed.without_managed_fields(bare), ROOT))
    assert left == {} or "spec" in bare


@given(strategies.things, strategies.things)
def test_an_applier_never_loses_what_another_one_changes_without_force(
    first: Object, second: Object
) -> None:
    live = applied(None, first, "a")
    before = copy.deepcopy(live)
    try:
        after = applied(live, second, "b", force=False)
    except conflicts.Conflicts:
        assert live == before
    else:
        assert owned(after, "a") == owned(live, "a")


@given(strategies.things, strategies.things)
def test_who_updates_owns_what_changed_and_only_that(first: Object, second: Object) -> None:
    live = applied(None, first, "a")
    assume(owned(live, "a"))
    new = {**copy.deepcopy(second), "metadata": {**second["metadata"], "uid": "1"}}
    after = managed.update(
        live, new, strategies.SCHEMA, manager="b", subresource="", api_version="g/v1", time="T"
    )
    changes = compare.compare(
        managed.without_managed_fields(live), managed.without_managed_fields(after), ROOT
    )
    gained = managed.stripped(sets.union(changes.modified, changes.added))
    assert owned(after, "b") == gained
    assert sets.intersection(owned(after, "a"), gained) == {}


@given(strategies.things)
def test_an_update_that_changes_nothing_keeps_the_books(obj: Object) -> None:
    live = applied(None, obj, "a")
    same = managed.update(
        live, copy.deepcopy(live), strategies.SCHEMA,
        manager="b", subresource="", api_version="g/v1", time="later",
    )  # fmt: skip
    assert same == live


@given(strategies.json, strategies.json)
def test_a_merge_patch_of_a_value_onto_anything_gives_its_content(old: Any, new: Any) -> None:
    if not isinstance(new, dict):
        assert patches.merge_patch(old, new) == new
    else:
        patched = patches.merge_patch(old, new)
        assert patches.merge_patch(patched, new) == patched


@given(strategies.things, strategies.things)
def test_no_walk_changes_what_it_is_given(one: Object, other: Object) -> None:
    before = copy.deepcopy((one, other))
    values.merge(one, other, ROOT)
    compare.compare(one, other, ROOT)
    values.without(one, typed.field_set(other, ROOT), ROOT)
    assert (one, other) == before
