"""Does a controller get there, stay there, and leave alone what needs no look?"""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog

from ouranos.kit import (
    cluster,
    conditions,
    controller,
    errors,
    kinds,
    metrics,
    objects,
    outcome,
    pipeline,
    seams,
    selection,
)
from ouranos.kit.objects import Key, Object

pytestmark = pytest.mark.virtual_time

Make = Callable[..., Any]


def condition(obj: Object | None, type_: str) -> tuple[str, str]:
    found = conditions.find(conditions.of(obj or {}), type_) or {}
    return found["status"], found["reason"]


async def done(_pass: controller.Pass) -> outcome.Outcome:
    return outcome.DONE


class Counting:
    """A reconcile that remembers when it ran and returns what it is told."""

    def __init__(self, given: seams.Seams, *results: outcome.Outcome | Exception) -> None:
        self.given, self.results = given, list(results)
        self.times: list[float] = []

    async def __call__(self, _pass: controller.Pass) -> outcome.Outcome:
        self.times.append(self.given.clock.monotonic())
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


async def test_an_owned_object_deleted_behind_our_back_is_made_again(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config(a="1"))
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        made = await source.get(kinds.CONFIG_MAP, "config", "home")
        await source.delete(kinds.CONFIG_MAP, "config", "home")
        await given.clock.sleep(1)
        again = await source.get(kinds.CONFIG_MAP, "config", "home")
    assert made is not None
    assert again is not None
    assert objects.uid_of(made) != objects.uid_of(again)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert condition(after, "Ready") == ("True", "Succeeded")
    assert condition(after, "Progressing") == ("False", "Succeeded")


async def test_a_field_changed_behind_our_back_is_set_again(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config(a="1"))
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        await source.patch(kinds.CONFIG_MAP, "config", "home", {"data": {"a": "2", "b": "mine"}})
        await given.clock.sleep(1)
    after = await source.get(kinds.CONFIG_MAP, "config", "home")
    assert after is not None
    assert after["data"] == {"a": "1", "b": "mine"}


async def test_a_pass_that_changes_nothing_sends_nothing(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
    tap: Any,
) -> None:
    times: list[float] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        times.append(given.clock.monotonic())
        await p.apply(config(a="1"))
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(10)
        tap.requests.clear()
        first = len(times)
        await given.clock.sleep(3600)
    assert tap.requests == []
    gaps = [
        later - earlier for earlier, later in zip(times[first - 1 :], times[first:], strict=False)
    ]
    assert len(gaps) in {5, 6}
    assert all(600 <= gap <= 720 for gap in gaps)
    assert len(set(gaps)) > 1


async def test_a_pass_is_not_woken_by_its_own_status(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    count = 0

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        nonlocal count
        count += 1
        p.status["count"] = count
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(5)
        assert count == 1
        await source.patch(
            kinds.KEYSTONE, "keystone", "home", {"status": {"count": 9}}, subresource="status"
        )
        await given.clock.sleep(5)
        assert count == 2


async def test_failures_are_tried_again_ever_more_rarely(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    counting = Counting(given, errors.Transient("not yet"))
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(3600)
    gaps = [b - a for a, b in zip(counting.times, counting.times[1:], strict=False)]
    assert all(gap <= min(60, 2.0**number) + 0.1 for number, gap in enumerate(gaps))
    assert 60 < len(gaps) < 240
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert condition(after, "Progressing") == ("True", "TransientError")
    assert condition(after, "Ready") == ("False", "TransientError")


async def test_a_failure_does_not_swallow_the_poll_of_another_step(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    both = outcome.fail(errors.Transient("no")) | outcome.wait("it", poll=timedelta(seconds=15))
    counting = Counting(given, both)
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(600)
    gaps = [b - a for a, b in zip(counting.times, counting.times[1:], strict=False)]
    assert max(gaps) <= 15.1


async def test_what_is_terminal_waits_for_a_change(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    final = errors.Terminal(conditions.Reason.INVALID_SPEC, "no such release")
    counting = Counting(given, final, outcome.DONE)
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(7200)
        assert len(counting.times) == 1
        stuck = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert condition(stuck, "Progressing") == ("False", "InvalidSpec")
        await source.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"release": "2026.2"}})
        await given.clock.sleep(1)
        assert len(counting.times) == 2
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert condition(after, "Ready") == ("True", "Succeeded")


async def test_waiting_is_ended_by_an_event_or_a_poll(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        found = p.cache.get(kinds.CONFIG_MAP, "other", "home")
        p.status["seen"] = found is not None
        return outcome.DONE if found else outcome.wait("ConfigMap other")

    def named(_obj: Object, held: controller.Cache) -> list[Key]:
        return [*map(objects.key_of, held.list(kinds.KEYSTONE)), Key("home", "nobody")]

    watch = controller.Watch(kinds.CONFIG_MAP, named)
    await source.create(keystone())
    async with running(controlling(reconcile, owns=(), watches=(watch,))):
        await given.clock.sleep(1)
        before = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert condition(before, "Progressing") == ("True", "Waiting")
        other = config("other")
        other["metadata"]["namespace"] = "home"
        await source.create(other)
        await given.clock.sleep(0.1)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert condition(after, "Ready") == ("True", "Succeeded")


async def test_one_event_is_one_pass(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    def named(_obj: Object, held: controller.Cache) -> list[Key]:
        return list(map(objects.key_of, held.list(kinds.KEYSTONE)))

    counting = Counting(given, outcome.DONE)
    watch = controller.Watch(kinds.CONFIG_MAP, named)
    other = config("other")
    other["metadata"]["namespace"] = "home"
    await source.create(other)
    await source.create(keystone())
    async with running(controlling(counting, owns=(), watches=(watch,))):
        await given.clock.sleep(1)
        before = len(counting.times)
        await source.patch(kinds.CONFIG_MAP, "other", "home", {"data": {"news": "yes"}})
        await given.clock.sleep(1)
    assert len(counting.times) == before + 1


async def test_a_bug_is_counted_told_and_tried_again(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    counting = Counting(given, KeyError("spec"), outcome.DONE)
    before = metrics.BUGS_TOTAL.value("keystones.ouranos.cloud", "KeyError")
    await source.create(keystone())
    with structlog.testing.capture_logs() as logs:
        async with running(controlling(counting)):
            await given.clock.sleep(0.0005)
            failing = await source.get(kinds.KEYSTONE, "keystone", "home")
            assert condition(failing, "Progressing") == ("True", "InternalError")
            await given.clock.sleep(2)
    assert len(counting.times) == 2
    assert metrics.BUGS_TOTAL.value("keystones.ouranos.cloud", "KeyError") == before + 1
    assert "Failing by a bug" in [line["event"] for line in logs]


async def test_a_paused_object_is_left_alone(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    counting = Counting(given, outcome.DONE)
    await source.create(keystone(management="Paused"))
    async with running(controlling(counting)):
        await given.clock.sleep(2000)
        assert counting.times == []
        paused = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert condition(paused, "Progressing") == ("False", "Paused")
        await source.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"management": "Running"}})
        await given.clock.sleep(1)
        assert len(counting.times) == 1


async def test_after_a_restart_what_is_at_rest_waits_for_its_resync(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    for number in range(20):
        await source.create(keystone(f"k{number}"))
    async with running(controlling(done)):
        await given.clock.sleep(1)
    counting = Counting(given, outcome.DONE)
    began = given.clock.monotonic()
    async with running(controlling(counting)):
        await given.clock.sleep(1)
        assert len(counting.times) <= 2
        await given.clock.sleep(600)
    first = [moment - began for moment in counting.times[:20]]
    assert len(counting.times) >= 20
    assert max(first) - min(first) > 200


async def test_after_a_restart_what_changed_meanwhile_is_looked_at_at_once(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config(f"config-{p.key.name}", a="1"))
        return outcome.DONE

    for name in ("one", "two", "three"):
        await source.create(keystone(name))
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
    await source.patch(kinds.CONFIG_MAP, "config-one", "home", {"data": {"a": "2"}})
    await source.patch(kinds.KEYSTONE, "two", "home", {"spec": {"release": "2027.1"}})
    seen: list[str] = []

    async def again(p: controller.Pass) -> outcome.Outcome:
        seen.append(p.key.name)
        return await reconcile(p)

    async with running(controlling(again)):
        await given.clock.sleep(0.1)
    assert sorted(set(seen)) == ["one", "two"]
    healed = await source.get(kinds.CONFIG_MAP, "config-one", "home")
    assert healed is not None
    assert healed["data"] == {"a": "1"}


async def test_what_is_terminal_is_looked_at_once_after_a_restart(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    final = errors.Terminal(conditions.Reason.UNRECOVERABLE, "a stranger's database")
    await source.create(keystone())
    async with running(controlling(Counting(given, final))):
        await given.clock.sleep(1)
    counting = Counting(given, final)
    async with running(controlling(counting)):
        await given.clock.sleep(3600)
    assert len(counting.times) == 1


async def test_what_stopped_for_another_goes_on_when_that_was_deleted_while_nobody_ran(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        names = [one["metadata"]["name"] for one in p.cache.list(kinds.KEYSTONE, "home")]
        if names[0] != p.key.name:
            raise errors.Terminal(conditions.Reason.UNRECOVERABLE, f"there is {names[0]}")
        return outcome.DONE

    made = controlling(reconcile)
    for name in ("a", "b"):
        await source.create(keystone(name))
    async with running(made):
        await given.clock.sleep(5)
    assert condition(await source.get(kinds.KEYSTONE, "b", "home"), "Ready")[0] == "False"
    await source.delete(kinds.KEYSTONE, "a", "home")
    async with running(made):
        await given.clock.sleep(5)
    assert condition(await source.get(kinds.KEYSTONE, "b", "home"), "Ready")[0] == "True"


async def test_anothers_change_that_a_pass_has_written_over_unseen_is_looked_at(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    tap: Any,
) -> None:
    seen: list[Any] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        seen.append(p.object["spec"]["size"])
        if len(seen) == 1:
            tap.cut.set()  # the watch is lost for a moment, while requests go on
            await given.clock.sleep(0.05)
            tap.cut.clear()
            await source.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"size": 2}})
            await p.patch(kinds.KEYSTONE, "keystone", {"metadata": {"annotations": {"a": "b"}}})
        p.status["size"] = seen[-1]
        return outcome.DONE

    await source.create(keystone(size=1))
    async with running(controlling(reconcile)):
        await given.clock.sleep(300)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert after
    assert after["status"]["size"] == 2


async def test_a_deleted_object_is_looked_at_no_more(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    counting = Counting(given, outcome.wait("it", poll=timedelta(seconds=5)))
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(12)
        assert len(counting.times) == 3
        await source.delete(kinds.KEYSTONE, "keystone", "home")
        await given.clock.sleep(60)
        assert len(counting.times) == 3


async def test_a_finalizer_lets_a_controller_see_the_end(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    ended: list[str] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        if p.deleting:
            ended.append(p.key.name)
            await p.remove_finalizer()
            return outcome.DONE
        await p.add_finalizer()
        await p.add_finalizer()
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)) as runner:
        await given.clock.sleep(1)
        held = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert held is not None
        assert held["metadata"]["finalizers"] == ["ouranos.cloud/keystone"]
        await source.delete(kinds.KEYSTONE, "keystone", "home")
        await given.clock.sleep(1)
        assert await source.get(kinds.KEYSTONE, "keystone", "home") is None
        assert runner.mirror.cache.list(kinds.KEYSTONE) == []
    assert ended == ["keystone"]


async def test_a_status_that_another_wrote_meanwhile_is_not_overwritten(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    rivals = iter(["first"])

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        for rival in rivals:
            patch = {"status": {"rival": rival}}
            await source.patch(kinds.KEYSTONE, "keystone", "home", patch, subresource="status")
        p.status["own"] = True
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(5)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert after is not None
    assert (after["status"]["rival"], after["status"]["own"]) == ("first", True)


async def test_a_spec_that_changed_during_the_pass_does_not_lose_the_status(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    seen: list[object] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        seen.append(p.object["spec"].get("release"))
        if len(seen) == 1:
            await source.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"release": "new"}})
        p.status["seen"] = p.object["spec"].get("release", "")
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(5)
    assert seen == [None, "new"]
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert after is not None
    assert after["status"]["seen"] == "new"


async def test_an_object_deleted_during_its_pass_is_no_failure(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await source.delete(kinds.KEYSTONE, "keystone", "home")
        if p.object["spec"].get("again"):
            await source.create(keystone())
        p.status["own"] = True
        return outcome.DONE

    before = metrics.RECONCILE_TOTAL.value("keystone", "Succeeded")
    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(2)
        await source.create(keystone(again=True))
        await given.clock.sleep(0.0001)
    assert metrics.RECONCILE_TOTAL.value("keystone", "Succeeded") >= before + 2


async def test_what_a_controller_does_not_want_it_never_sees(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    seen: list[str] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        seen.append(p.key.name)
        return outcome.wait("it", poll=timedelta(seconds=10))

    def wants(obj: Object) -> bool:
        return bool(obj["spec"].get("wanted"))

    await source.create(keystone("yes", wanted=True))
    await source.create(keystone("no"))
    async with running(controlling(reconcile, wants=wants)):
        await given.clock.sleep(15)
        assert seen == ["yes", "yes"]
        await source.patch(kinds.KEYSTONE, "yes", "home", {"spec": {"wanted": False}})
        await source.patch(kinds.KEYSTONE, "no", "home", {"spec": {"wanted": True}})
        await given.clock.sleep(5)
        assert seen == ["yes", "yes", "no"]


async def test_a_watch_with_a_bug_does_not_stop_the_others(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    def broken(obj: Object, _held: controller.Cache) -> list[Key]:
        return [obj["spec"]["nothing"]]

    counting = Counting(given, outcome.DONE)
    watch = controller.Watch(kinds.KEYSTONE, broken)
    async with running(controlling(counting, watches=(watch,))):
        await given.clock.sleep(1)
        with structlog.testing.capture_logs() as logs:
            await source.create(keystone())
            await given.clock.sleep(1)
    assert len(counting.times) == 1
    assert "Ignoring an event" in [line["event"] for line in logs]


async def test_an_object_that_breaks_the_choice_does_not_stop_the_others(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    def wants(obj: Object) -> bool:
        return obj["spec"]["wanted"]

    counting = Counting(given, outcome.DONE)
    await source.create(keystone("odd"))
    await source.create(keystone("even", wanted=True))
    async with running(controlling(counting, wants=wants)):
        await given.clock.sleep(1)
    assert len(counting.times) == 1


async def test_a_pass_that_does_not_come_back_is_given_up(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    async def reconcile(_pass: controller.Pass) -> outcome.Outcome:
        await given.clock.sleep(10_000)
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile, deadline=timedelta(seconds=30))):
        await given.clock.sleep(40)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert condition(after, "Progressing") == ("True", "TransientError")


async def test_no_object_is_passed_over_twice_at_once_and_workers_are_few(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    at_work: list[str] = []
    most = 0

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        nonlocal most
        assert p.key.name not in at_work
        at_work.append(p.key.name)
        most = max(most, len(at_work))
        await given.clock.sleep(1)
        at_work.remove(p.key.name)
        return outcome.DONE

    async with running(controlling(reconcile, workers=2)):
        for number in range(5):
            await source.create(keystone(f"k{number}"))
        for _ in range(10):
            await given.clock.sleep(0.3)
            await source.patch(
                kinds.KEYSTONE, "k0", "home", {"spec": {"at": given.clock.monotonic()}}
            )
        await given.clock.sleep(10)
    assert most == 2


async def test_two_controllers_of_one_name_are_refused(
    source: cluster.Cluster, given: seams.Seams, controlling: Make
) -> None:
    twice = [controlling(done), controlling(done)]
    with pytest.raises(ValueError, match="share a name"):
        controller.ControllerRunner(twice, controller.Mirror(source, twice, given))


async def test_controllers_that_ask_for_what_is_not_held_are_refused(
    source: cluster.Cluster, given: seams.Seams, controlling: Make
) -> None:
    held = controller.Mirror(source, [controlling(done)], given)
    with pytest.raises(ValueError, match="ask for pods, which is not held"):
        controller.ControllerRunner([controlling(done, reads=(kinds.POD,))], held)


async def test_a_single_pass_can_be_made_by_hand(
    source: cluster.Cluster, given: seams.Seams, controlling: Make, keystone: Make, config: Make
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config(a="1"))
        return outcome.wait("Database home/keystone")

    await source.create(keystone())
    one = controlling(reconcile)
    result = await controller.run_pass(one, source, Key("home", "keystone"), given)
    assert result.waits == ("Database home/keystone",)
    assert await source.get(kinds.CONFIG_MAP, "config", "home") is not None
    with pytest.raises(LookupError):
        await controller.run_pass(one, source, Key("home", "nobody"), given)


async def test_a_runner_knows_when_all_is_known(
    source: cluster.Cluster, running: Make, controlling: Make, keystone: Make
) -> None:
    await source.create(keystone())
    async with running(controlling(done)) as runner:
        await runner.mirror.synced()
        assert [objects.key_of(one) for one in runner.mirror.cache.list(kinds.KEYSTONE)] == [
            ("home", "keystone")
        ]
        with pytest.raises(LookupError, match=r"pods is not reflected"):
            runner.mirror.cache.get(kinds.POD, "x", "home")


async def test_a_pipeline_says_what_it_waits_for_and_then_that_it_is_there(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    ready = asyncio.Event()

    async def secrets(_scope: None) -> outcome.Outcome:
        return outcome.DONE

    async def database(_scope: None) -> outcome.Outcome:
        if ready.is_set():
            return outcome.DONE
        return outcome.wait("Database home/keystone", poll=timedelta(seconds=1))

    async def schema(_scope: None) -> outcome.Outcome:
        return outcome.DONE

    stages = [pipeline.Stage((step,)) for step in (secrets, database, schema)]

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        return await pipeline.run(p, None, stages)

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1.5)
        before = await source.get(kinds.KEYSTONE, "keystone", "home")
        ready.set()
        await given.clock.sleep(1.5)
        after = await source.get(kinds.KEYSTONE, "keystone", "home")
    types = ("SecretsReady", "DatabaseReady", "SchemaReady", "Ready", "Progressing", "Available")
    assert [condition(before, type_) for type_ in types] == [
        ("True", "Succeeded"),
        ("False", "Waiting"),
        ("Unknown", "WaitingForPrevious"),
        ("False", "Waiting"),
        ("True", "Waiting"),
        ("False", "Waiting"),
    ]
    assert {condition(after, type_) for type_ in types} == {
        ("True", "Succeeded"),
        ("False", "Succeeded"),
    }


@pytest.mark.parametrize("seed", range(4))
async def test_a_crash_anywhere_leaves_one_of_everything(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
    seed: int,
) -> None:
    chance = random.Random(seed)

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        if not p.cache.owned(kinds.SECRET, p.object):
            name = f"made-{chance.getrandbits(32):08x}"
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
            await p.create(secret)
        await given.clock.sleep(0.01)
        await p.apply(config(a="1"))
        return outcome.DONE

    one = controlling(reconcile, owns=(kinds.SECRET, kinds.CONFIG_MAP))
    await source.create(keystone())
    for _ in range(10):
        async with running(one):
            await given.clock.sleep(chance.uniform(0, 0.02))
    async with running(one):
        await given.clock.sleep(5)
    assert len((await source.list(kinds.SECRET)).items) == 1


async def test_a_kind_that_is_not_ours_gets_no_conditions_of_ours(
    source: cluster.Cluster, given: seams.Seams, running: Make, config: Make
) -> None:
    counting = Counting(given, errors.Transient("no"), outcome.DONE)
    foreign = controller.Controller("config", kinds.CONFIG_MAP, counting)
    obj = config()
    obj["metadata"]["namespace"] = "home"
    await source.create(obj)
    async with running(foreign):
        await given.clock.sleep(5)
    assert len(counting.times) == 2
    assert "status" not in (await source.get(kinds.CONFIG_MAP, "config", "home") or {})


async def test_a_conflict_is_tried_again_without_a_word(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    stale = errors.api_error(409, {"reason": "Conflict"})
    counting = Counting(given, stale, outcome.DONE)
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(0.00001)
        first = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert conditions.of(first or {}) == []
        await given.clock.sleep(2)
    assert len(counting.times) == 2


async def test_what_was_deleted_while_it_waited_for_a_worker_is_not_looked_at(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    seen: list[str] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        seen.append(p.key.name)
        await given.clock.sleep(5)
        return outcome.DONE

    await source.create(keystone("one"))
    await source.create(keystone("two"))
    async with running(controlling(reconcile, workers=1)):
        await given.clock.sleep(1)
        await source.delete(kinds.KEYSTONE, "two", "home")
        await given.clock.sleep(20)
    assert seen == ["one"]


async def test_only_a_controlling_owner_of_the_right_kind_is_woken(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    counting = Counting(given, outcome.DONE)
    await source.create(keystone())
    async with running(controlling(counting)):
        await given.clock.sleep(1)
        for name, group in (("Glance", "ouranos.cloud/v1alpha1"), ("Keystone", "other.cloud/v1")):
            reference = {"apiVersion": group, "kind": name, "name": "keystone", "uid": "u"}
            obj = config(f"of-{name.lower()}")
            obj["metadata"] |= {
                "namespace": "home",
                "ownerReferences": [{**reference, "controller": True}],
            }
            await source.create(obj)
        await given.clock.sleep(1)
    assert len(counting.times) == 1


async def test_a_runner_is_at_rest_when_every_object_has_been_looked_at(
    source: cluster.Cluster, given: seams.Seams, controlling: Make, keystone: Make
) -> None:
    let = asyncio.Event()

    async def reconcile(_pass: controller.Pass) -> outcome.Outcome:
        await let.wait()
        return outcome.DONE

    await source.create(keystone())
    every = [controlling(reconcile)]
    runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
    assert not runner.is_at_rest
    task = asyncio.create_task(controller.run_alone(runner))
    await given.clock.sleep(1)
    assert not runner.is_at_rest
    let.set()
    await given.clock.sleep(1)
    assert runner.is_at_rest
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_not_selected_is_not_known(
    source: cluster.Cluster, given: seams.Seams, controlling: Make, config: Make
) -> None:
    for name, labels in (("ours", {"app": "ours"}), ("theirs", {"app": "theirs"})):
        metadata = {"name": name, "namespace": "home", "labels": labels}
        await source.create({**config(), "metadata": metadata})
    chosen = selection.Selection(kinds.CONFIG_MAP, labels="app=ours")
    mirror = controller.Mirror(source, [controlling(done)], given, [chosen])
    assert kinds.CONFIG_MAP.qualified in mirror.unknown
    task = asyncio.ensure_future(mirror.run())
    await mirror.synced()
    assert mirror.unknown == ()
    patch = {"metadata": {"labels": {"app": "ours"}}}
    held = mirror.cache
    assert [one["metadata"]["name"] for one in held.list(kinds.CONFIG_MAP)] == ["ours"]
    await source.patch(kinds.CONFIG_MAP, "theirs", "home", patch)
    await given.clock.sleep(1)
    assert len(held.list(kinds.CONFIG_MAP)) == 2
    task.cancel()


async def test_a_runner_that_finishes_lets_passes_end_and_begins_none(
    source: cluster.Cluster,
    given: seams.Seams,
    controlling: Make,
    keystone: Make,
) -> None:
    begun, ended = list[float](), list[float]()

    async def slow(_pass: controller.Pass) -> outcome.Outcome:
        begun.append(given.clock.monotonic())
        await given.clock.sleep(5)
        ended.append(given.clock.monotonic())
        return outcome.DONE

    await source.create(keystone())
    every = [controlling(slow)]
    runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
    task = asyncio.ensure_future(controller.run_alone(runner))
    await given.clock.sleep(1)
    await source.patch(
        kinds.KEYSTONE, "keystone", "home", {"metadata": {"annotations": {"a": "b"}}}
    )
    await runner.finish()
    assert len(begun) == len(ended) == 1
    await given.clock.sleep(60)
    assert len(begun) == 1
    await runner.finish()
    task.cancel()
