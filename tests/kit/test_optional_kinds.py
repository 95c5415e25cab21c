"""Does a controller live beside kinds that somebody else may bring, and may take away?"""

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ouranos.kit import cluster, conditions, controller, errors, kinds, outcome, seams
from ouranos.kit.objects import Key, Kind, Object

pytestmark = pytest.mark.virtual_time

THEIRS = Kind("example.org", "v1", "Thing", "things")
kinds.register(THEIRS)
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.org"},
    "spec": {
        "group": "example.org",
        "names": {"kind": "Thing", "plural": "things"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}


def thing(name: str) -> Object:
    metadata = {"name": name, "namespace": "home"}
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata}


async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
    if not pass_.cache.serves(THEIRS):
        return outcome.wait(f"{THEIRS.qualified} to be known")
    found = [one["metadata"]["name"] for one in pass_.cache.list(THEIRS)]
    return outcome.wait(f"more than {found}")


def declared(**changes: Any) -> controller.Controller:
    watch = controller.Watch(THEIRS, lambda _obj, _held: [Key("home", "keystone")])
    given = {"watches": (watch,), "optional": (THEIRS,), **changes}
    return controller.Controller("keystone", kinds.KEYSTONE, reconcile, **given)


@contextlib.asynccontextmanager
async def running(
    source: cluster.Cluster, given: seams.Seams, *controllers: controller.Controller
) -> AsyncIterator[controller.ControllerRunner]:
    metadata = {"name": "keystone", "namespace": "home"}
    made = {"apiVersion": "ouranos.cloud/v1alpha1", "kind": "Keystone", "metadata": metadata}
    await source.apply(made)
    every = controllers or (declared(),)
    runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
    task = asyncio.create_task(controller.run_alone(runner))
    try:
        yield runner
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def told(source: cluster.Cluster, given: seams.Seams, text: str) -> None:
    """Wait until the Keystone says that it awaits this, for seconds at most."""
    message = ""
    for _ in range(100):
        found = await source.get(kinds.KEYSTONE, "keystone", "home")
        ready = conditions.find(conditions.of(found or {}), "Ready") or {}
        message = ready.get("message", "")
        if message == text:
            return
        await given.clock.sleep(0.1)
    raise AssertionError(f"{message!r} is not {text!r}")


async def test_what_is_not_there_is_absent_and_comes_and_goes(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    async with running(source, given):
        await told(source, given, "things.example.org to be known")
        await source.apply(DEFINITION)
        await told(source, given, "more than []")
        await source.create(thing("a"))
        await told(source, given, "more than ['a']")
        await source.delete(kinds.CUSTOM_RESOURCE_DEFINITION, "things.example.org")
        await given.clock.sleep(700)  # a server may end the watch only when its time has come
        await told(source, given, "things.example.org to be known")
        await source.apply(DEFINITION)
        await told(source, given, "more than []")


async def test_what_is_not_there_is_not_asked_for_again_and_again(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    async with running(source, given):
        await told(source, given, "things.example.org to be known")
        tap.requests.clear()
        await given.clock.sleep(3600)
        asked = [path for _, path in tap.requests if path.endswith("/things")]
        assert len(asked) <= 3600 / 300 + 1
        await source.apply(DEFINITION)
        await told(source, given, "more than []")


async def test_a_definition_that_does_not_serve_the_version_is_asked_ever_more_rarely(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    other = copy.deepcopy(DEFINITION)
    other["spec"]["versions"][0]["name"] = "v9"
    await source.apply(other)
    async with running(source, given):
        await told(source, given, "things.example.org to be known")
        await given.clock.sleep(300)
        tap.requests.clear()
        await given.clock.sleep(3600)
        asked = [path for _, path in tap.requests if path.endswith("/things")]
        assert 100 < len(asked) < 500


async def test_what_one_needs_and_another_does_not_keeps_only_the_one_from_starting(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    async def nothing(_: controller.Pass) -> outcome.Outcome:
        return outcome.DONE

    needing = controller.Controller("needing", kinds.NODE, nothing, reads=(THEIRS,))
    async with running(source, given, declared(), needing) as runner:
        await given.clock.sleep(60)
        assert not runner.is_at_rest
        await source.apply(DEFINITION)
        await told(source, given, "more than []")
        assert runner.is_at_rest


async def test_who_does_not_name_it_or_does_not_want_the_object_is_not_woken(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    looked: list[str] = []

    async def look(pass_: controller.Pass) -> outcome.Outcome:
        looked.append(pass_.controller)
        return outcome.DONE

    unwilling = controller.Controller(
        "unwilling",
        kinds.NAMESPACE,
        look,
        reads=(THEIRS,),
        optional=(THEIRS,),
        wants=lambda _: False,
    )
    unaware = controller.Controller("unaware", kinds.NAMESPACE, look)
    async with running(source, given, declared(), unwilling, unaware):
        await told(source, given, "things.example.org to be known")
        looked.clear()
        await source.apply(DEFINITION)
        await told(source, given, "more than []")
    assert looked == []


async def test_one_pass_alone_tells_what_is_not_there(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    metadata = {"name": "keystone", "namespace": "home"}
    made = {"apiVersion": "ouranos.cloud/v1alpha1", "kind": "Keystone", "metadata": metadata}
    await source.apply(made)
    result = await controller.run_pass(declared(), source, Key("home", "keystone"), given)
    assert result.waits == ("things.example.org to be known",)
    with pytest.raises(errors.NotFound):
        await controller.run_pass(declared(optional=()), source, Key("home", "keystone"), given)


async def test_what_vanishes_without_a_word_is_heard_as_deleted(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    await source.apply(DEFINITION)
    await source.create(thing("a"))

    def unknown(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path.endswith("/things")
        return httpx2.Response(404, text="404 page not found") if path else None

    async with running(source, given):
        await told(source, given, "more than ['a']")
        tap.answer = unknown
        await given.clock.sleep(700)
        await told(source, given, "things.example.org to be known")
        tap.answer = lambda _request: None
        await given.clock.sleep(60)
        await told(source, given, "more than ['a']")
