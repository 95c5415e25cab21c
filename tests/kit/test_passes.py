"""Does a pass send what it must, nothing twice, and tell what happened?"""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import structlog

from ouranos.kit import cache, cluster, errors, kinds, objects, passes, seams
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time

Begin = Callable[[], passes.Pass]


class Overtaken(cluster.Cluster):
    """Hears of what another did to an object before it has the answer to its own apply."""

    held: cache.Cache

    async def apply(self, obj: Object, **how: Any) -> Object:
        answer = await super().apply(obj, **how)
        name, where = objects.key_of(obj).name, objects.namespace_of(obj)
        later = await self.patch(kinds.of(obj), name, where, {"data": {"a": "another's"}})
        self.held.store(kinds.of(obj)).heard(later)
        return answer


@pytest.fixture
async def begin(
    source: cluster.Cluster,
    given: seams.Seams,
    keystone: Any,
    tap: Any,
    memory: passes.Memory,
) -> Begin:
    """Begins passes over one Keystone; what one remembers the next knows."""
    owner = await source.create(keystone())
    held = cache.Cache()
    held.store(kinds.CONFIG_MAP)
    tap.requests.clear()
    return lambda: passes.Pass("keystone", owner, source, held, given, memory)


async def test_what_is_applied_has_place_owner_and_manager(
    begin: Begin, source: cluster.Cluster, config: Any
) -> None:
    wanted = config(a="1")
    made = await begin().apply(wanted)
    assert made["metadata"]["namespace"] == "home"
    assert made["metadata"]["ownerReferences"][0]["name"] == "keystone"
    assert "namespace" not in wanted["metadata"]
    found = await source.get(kinds.CONFIG_MAP, "config", "home")
    assert found is not None
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == ["test-keystone"]
    free = config("free")
    free["metadata"]["namespace"] = "default"
    await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    placed = await begin().apply(free, owned=False)
    assert placed["metadata"]["namespace"] == "default"
    assert "ownerReferences" not in placed["metadata"]


async def test_the_status_of_another_object_can_be_written(
    begin: Begin, source: cluster.Cluster, keystone: Any
) -> None:
    other = await source.create(keystone("other"))
    await begin().replace_status({**other, "status": {"seen": True}})
    found = await source.get(kinds.KEYSTONE, "other", "home")
    assert (found or {})["status"] == {"seen": True}


async def test_what_is_the_same_is_not_sent_again(begin: Begin, config: Any, tap: Any) -> None:
    first = await begin().apply(config(a="1"))
    assert await begin().apply(config(a="1")) == first
    assert len(tap.writes()) == 1
    changed = await begin().apply(config(a="2"))
    assert changed["data"] == {"a": "2"}
    assert len(tap.writes()) == 2


async def test_what_another_did_before_the_answer_came_is_put_right(
    begin: Begin, config: Any, tap: Any, given: seams.Seams, memory: passes.Memory
) -> None:
    p = begin()
    async with httpx2.AsyncClient(transport=tap, base_url="http://api") as http:
        late = Overtaken(http, manager="test")
        late.held = p.cache
        first = passes.Pass("keystone", p.object, late, p.cache, given, memory)
        assert (await first.apply(config(a="1")))["data"] == {"a": "another's"}
    assert (await begin().apply(config(a="1")))["data"] == {"a": "1"}


async def test_what_was_refused_is_asked_again_when_the_object_is_a_newer_one(
    begin: Begin, source: cluster.Cluster, config: Any, tap: Any
) -> None:
    person = {**config(a="2"), "metadata": {"name": "config", "namespace": "home"}}
    held = begin().cache.store(kinds.CONFIG_MAP)
    held.heard(await source.apply(person, manager="kubectl"))
    tap.requests.clear()
    for _ in range(3):
        with pytest.raises(errors.Conflict):
            await begin().apply(config(a="1"), force=False)
    assert len(tap.writes()) == 1
    released = {key: value for key, value in person.items() if key != "data"}
    held.heard(await source.apply(released, manager="kubectl"))
    assert (await begin().apply(config(a="1"), force=False))["data"] == {"a": "1"}


async def test_what_is_not_reflected_is_always_sent(
    begin: Begin, source: cluster.Cluster, tap: Any
) -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    for _ in range(2):
        await begin().apply(secret)
    assert len(tap.writes()) == 2
    taken: Object = {
        **secret,
        "metadata": {"name": "s", "namespace": "home"},
        "data": {"a": "MQ=="},
    }
    await source.apply(taken, manager="kubectl")
    for _ in range(2):
        with pytest.raises(errors.Conflict):
            await begin().apply({**secret, "data": {"a": "Mg=="}}, force=False)
    assert len(tap.writes()) == 5


async def test_a_write_is_seen_by_the_next_pass(begin: Begin, config: Any) -> None:
    p = begin()
    await p.create(config(a="1"))
    assert [one["data"] for one in p.cache.owned(kinds.CONFIG_MAP, p.object)] == [{"a": "1"}]
    await p.patch(kinds.CONFIG_MAP, "config", {"data": {"a": "2"}})
    assert (p.cache.get(kinds.CONFIG_MAP, "config", "home") or {})["data"] == {"a": "2"}
    with pytest.raises(errors.Conflict):
        await p.delete(kinds.CONFIG_MAP, "config", uid="another")
    await p.delete(kinds.CONFIG_MAP, "config")
    assert p.cache.get(kinds.CONFIG_MAP, "config", "home") is None
    await p.delete(kinds.CONFIG_MAP, "config")
    again = await begin().apply(config(a="1"))
    assert again["data"] == {"a": "1"}


async def test_what_has_a_finalizer_is_still_seen_after_its_deletion(
    begin: Begin, source: cluster.Cluster
) -> None:
    p = begin()
    p.cache.store(kinds.POD)
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "finalizers": ["example.com/wait"]},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    await p.create(pod)
    await p.delete(kinds.POD, "p")
    assert objects.is_deleting(p.cache.get(kinds.POD, "p", "home") or {})


async def test_reading_anew_sees_what_others_did(
    begin: Begin, source: cluster.Cluster, config: Any
) -> None:
    p = begin()
    await p.create(config(a="1"))
    await source.patch(kinds.CONFIG_MAP, "config", "home", {"data": {"a": "2"}})
    await p.refresh(kinds.CONFIG_MAP, "config")
    assert (p.cache.get(kinds.CONFIG_MAP, "config", "home") or {})["data"] == {"a": "2"}
    assert await p.refresh(kinds.CONFIG_MAP, "nothing") is None


async def test_finalizers_come_and_go_once(begin: Begin, tap: Any) -> None:
    p = begin()
    await p.remove_finalizer()
    await p.add_finalizer("example.com/first")
    await p.add_finalizer("example.com/second")
    await p.add_finalizer("example.com/second")
    await p.remove_finalizer("example.com/first")
    assert p.object["metadata"]["finalizers"] == ["example.com/second"]
    assert len(tap.writes()) == 3


async def test_a_stale_finalizer_write_is_a_conflict(begin: Begin) -> None:
    first, second = begin(), begin()
    await first.add_finalizer("example.com/first")
    with pytest.raises(errors.Conflict):
        await second.add_finalizer("example.com/second")


async def test_the_status_is_a_draft(begin: Begin) -> None:
    p = begin()
    assert not p.has_new_status
    p.status["seen"] = True
    assert p.has_new_status
    assert "seen" not in objects.mapping(p.object, "status")
    p.status = {}
    assert not p.has_new_status
    assert p.conditions == []
    assert p.generation == 1


async def test_the_same_event_is_counted_not_repeated(
    begin: Begin, source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    for _ in range(3):
        await begin().event("Warning", "Waiting", "Secret a is missing")
    assert len(tap.writes()) == 1
    await given.clock.sleep(61)
    await begin().event("Warning", "Waiting", "Secret a is missing")
    await begin().event("Normal", "Created", "Deployment b")
    events = {one["reason"]: one for one in (await source.list(kinds.EVENT)).items}
    assert events["Waiting"]["count"] == 4
    assert events["Waiting"]["lastTimestamp"] > events["Waiting"]["firstTimestamp"]
    assert events["Waiting"]["involvedObject"]["kind"] == "Keystone"
    assert events["Created"]["type"] == "Normal"


async def test_an_event_can_be_about_a_node(begin: Begin, source: cluster.Cluster) -> None:
    node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "u"}}
    await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    await begin().event("Normal", "Joined", "It is there", node)
    [event] = (await source.list(kinds.EVENT)).items
    assert event["metadata"]["namespace"] == "default"


async def test_a_lost_event_does_not_stop_a_pass(begin: Begin, tap: Any) -> None:
    tap.cut.set()
    await begin().event("Normal", "Created", "Deployment b")
    tap.cut.clear()
    await begin().event("Normal", "Created", "Deployment b")
    assert len(tap.writes()) == 1


async def test_in_a_namespace_that_ends_nothing_can_be_told_and_nobody_is_warned(
    begin: Begin, tap: Any
) -> None:
    ends: Object = {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}
    for said, warned in ((ends, []), ({"message": "not for you"}, ["Losing an event"])):
        tap.answer = lambda _request, said=said: httpx2.Response(403, json=said)
        with structlog.testing.capture_logs() as logs:
            await begin().event("Normal", "Created", "Deployment b")
        assert [log["event"] for log in logs if log["log_level"] == "warning"] == warned
    assert not errors.is_of_the_end(errors.Unreachable("away"))


async def test_only_so_many_events_are_remembered(begin: Begin, tap: Any) -> None:
    for number in range(600):
        await begin().event("Normal", f"Counted{number}", "a message")
    tap.requests.clear()
    for number, requests in ((599, 0), (600 - 512, 0), (0, 1)):
        await begin().event("Normal", f"Counted{number}", "a message")
        assert len(tap.writes()) == requests, number
