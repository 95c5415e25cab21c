"""Does the cache become what the server has, in whatever order answers and events arrive?"""

from typing import Any

import msgspec
import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from ouranos.kit import cache, cluster, kinds, objects
from ouranos.kit.objects import Key, Object

X = Key("home", "x")


def thing(version: int, uid: str = "u1", name: str = "x", **more: Any) -> Object:
    metadata = {"name": name, "namespace": "home", "uid": uid, "resourceVersion": str(version)}
    return {"metadata": {**metadata, **more}}


@pytest.fixture
def store() -> cache.Store:
    return cache.Store(kinds.CONFIG_MAP)


def version(store: cache.Store) -> int | None:
    held = store.get(X)
    return None if held is None else objects.version_of(held)


def test_an_answer_is_seen_before_its_event(store: cache.Store) -> None:
    store.heard(thing(1))
    store.wrote(thing(5))
    assert version(store) == 5
    before, after = store.heard(thing(3))
    assert objects.version_of(before or {}) == 1
    assert objects.version_of(after or {}) == 5
    assert version(store) == 5
    before, after = store.heard(thing(5))
    assert (objects.version_of(before or {}), objects.version_of(after or {})) == (1, 5)


def test_an_answer_that_comes_after_its_event_changes_nothing(store: cache.Store) -> None:
    store.heard(thing(7))
    assert objects.version_of(store.wrote(thing(5))) == 7
    assert version(store) == 7


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back(store: cache.Store) -> None:
    store.heard(thing(5))
    store.heard_deletion(thing(6))
    store.wrote(thing(5))
    assert version(store) is None
    store.reached(9)
    store.wrote(thing(8, uid="u2"))
    assert version(store) is None


def test_a_deletion_of_ours_is_seen_before_its_event(store: cache.Store) -> None:
    store.heard(thing(5))
    store.removed(X, "other")
    assert version(store) == 5
    store.removed(X, "u1")
    assert version(store) is None
    store.heard(thing(6))
    assert version(store) is None
    before, after = store.heard_deletion(thing(7))
    assert objects.version_of(before or {}) == 5
    assert after is None


def test_the_deletion_of_an_earlier_one_of_the_name_does_not_touch_the_new(
    store: cache.Store,
) -> None:
    store.heard(thing(5))
    store.wrote(thing(9, uid="u2"))
    store.heard_deletion(thing(8))
    assert version(store) == 9


def test_what_a_list_does_not_have_is_gone_unless_it_is_newer(store: cache.Store) -> None:
    store.heard(thing(1))
    store.heard(thing(2, name="y", uid="u2"))
    store.wrote(thing(9, name="z", uid="u3"))
    changes = store.heard_all([thing(4)], 5)
    assert [
        (before and objects.version_of(before), after and objects.version_of(after))
        for before, after in changes
    ] == [(1, 4), (2, None)]
    assert sorted(one["metadata"]["name"] for one in store.each()) == ["x", "z"]
    assert store.heard_all([thing(4)], 5) == []


def test_owned_objects_are_found_by_their_owner() -> None:
    held = cache.Cache()
    owner = thing(1, uid="owner", name="owner")
    reference = {"uid": "owner", "controller": True}
    store = held.store(kinds.SECRET)
    assert held.holds(kinds.SECRET)
    assert not held.holds(kinds.POD)
    for name in ("b", "a"):
        store.heard(thing(2, uid=name, name=name, ownerReferences=[reference]))
    assert [one["metadata"]["name"] for one in held.owned(kinds.SECRET, owner)] == ["a", "b"]
    store.heard(thing(3, uid="a", name="a"))
    store.heard_deletion(thing(4, uid="b", name="b"))
    assert held.owned(kinds.SECRET, owner) == []
    assert [one["metadata"]["name"] for one in held.orphans(kinds.SECRET, "home")] == ["a"]
    assert held.orphans(kinds.SECRET, "away") == []
    store.heard_deletion(thing(5, uid="a", name="a"))
    assert store._owned == {}


def test_labels_choose() -> None:
    held = cache.Cache()
    store = held.store(kinds.SECRET)
    store.heard(thing(1, name="a", uid="a", labels={"app": "web", "tier": "front"}))
    store.heard(thing(2, name="b", uid="b"))
    found = held.list(kinds.SECRET, "home", labels={"app": "web"})
    assert [one["metadata"]["name"] for one in found] == ["a"]
    assert len(held.list(kinds.SECRET)) == 2
    assert held.list(kinds.SECRET, "away") == []


def test_who_manages_what_is_not_kept(store: cache.Store) -> None:
    store.heard(thing(1, managedFields=[{"manager": "x"}]))
    assert "managedFields" not in (store.get(X) or {})["metadata"]


class Server:
    """A history of one name: what watches will report, and the answers that writes of ours got."""

    def __init__(self, steps: list[str]) -> None:
        self.events: list[tuple[str, Object]] = []
        self.answers: list[Object] = []
        self.present: Object | None = None
        for number, step in enumerate(steps, start=1):
            if step == "delete":
                self.delete(number)
            else:
                self.write(number, ours=step == "ours")

    def delete(self, number: int) -> None:
        if self.present is not None:
            self.events.append(("DELETED", thing(number, objects.uid_of(self.present))))
            self.present = None

    def write(self, number: int, *, ours: bool) -> None:
        uid = f"u{number}" if self.present is None else objects.uid_of(self.present)
        self.present = thing(number, uid)
        self.events.append(("MODIFIED", thing(number, uid)))
        if ours:
            self.answers.append(thing(number, uid))


steps = st.lists(st.sampled_from(["write", "ours", "delete"]), max_size=12)


@over(steps, st.lists(st.booleans(), max_size=30))
def test_it_ends_up_as_the_server(told: list[str], answer_first: list[bool]) -> None:
    """Events come in their order; answers come whenever they do."""
    server = Server(told)
    store = cache.Store(kinds.CONFIG_MAP)
    events, answers, choices = list(server.events), list(server.answers), list(answer_first)
    while events or answers:
        if answers and (not events or (choices and choices.pop())):
            store.wrote(answers.pop(0))
        else:
            kind, obj = events.pop(0)
            (store.heard_deletion if kind == "DELETED" else store.heard)(obj)
    expected = None if server.present is None else objects.version_of(server.present)
    assert version(store) == expected
    assert store._unreported == {}


def test_equal_words_of_objects_are_one_and_long_texts_are_left(store: cache.Store) -> None:
    def made(name: str) -> Object:
        word = msgspec.json.decode(b'"ouranos.cloud/openstack"')
        spec = {"image": word, "text": "x" * 200, "count": 3}
        return {**thing(1, uid=name, name=name), "spec": [spec]}

    store.heard(made("a"))
    store.wrote({**made("b"), "metadata": made("b")["metadata"] | {"resourceVersion": "2"}})
    first, second = (store.get(Key("home", name)) or {} for name in ("a", "b"))
    assert first["spec"] == second["spec"] == made("a")["spec"]
    assert first["spec"][0]["image"] is second["spec"][0]["image"]


async def test_who_owns_fields_is_never_held(
    source: cluster.Cluster, store: cache.Store, config: Any
) -> None:
    wanted = {**config("x", a="1"), "metadata": {"name": "x", "namespace": "home"}}
    answer = await source.apply(wanted)
    assert answer["metadata"]["managedFields"]
    assert "managedFields" not in store.wrote(answer)["metadata"]
    kept = await source.list(kinds.CONFIG_MAP, kept=cache.without_managers)
    assert ["managedFields" in one["metadata"] for one in kept.items] == [False]
    whole = await source.list(kinds.CONFIG_MAP)
    assert ["managedFields" in one["metadata"] for one in whole.items] == [True]


def test_who_looks_through_a_store_sees_it_as_it_was(store: cache.Store) -> None:
    for name in ("x", "y"):
        store.heard(thing(1, uid=name, name=name))
    seen: list[Object] = []
    for obj in store.each():
        seen.append(obj)
        store.heard(thing(2, uid="z", name="z"))
        store.heard_deletion(thing(3, uid="y", name="y"))
    assert [one["metadata"]["name"] for one in seen] == ["x", "y"]
