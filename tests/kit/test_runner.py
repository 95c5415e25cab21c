"""Does a controller get there, and stay there?"""

import asyncio
import contextlib

import pytest

from ouranos.kit import conditions, controller, errors, kinds, outcome, pipeline

pytestmark = pytest.mark.virtual_time


def keystone(**spec):
    return {
        "apiVersion": "ouranos.cloud/v1alpha1",
        "kind": "Keystone",
        "metadata": {"name": "keystone", "namespace": "home"},
        "spec": spec,
    }


def config(name="config", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@contextlib.asynccontextmanager
async def running(source, given, *controllers):
    runner = controller.ControllerRunner(source, controllers, given)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def one(reconcile, **more):
    return controller.Controller(
        "keystone", kinds.KEYSTONE, reconcile, owns=(kinds.CONFIG_MAP,), **more
    )


async def test_an_owned_object_deleted_behind_our_back_is_made_again(source, given, api):
    async def reconcile(p):
        await p.apply(config(a="1"))
        return outcome.DONE

    await source.create(keystone())
    async with running(source, given, one(reconcile)):
        await given.clock.sleep(1)
        made = await source.get(kinds.CONFIG_MAP, "config", "home")
        await source.delete(kinds.CONFIG_MAP, "config", "home")
        await given.clock.sleep(1)
        again = await source.get(kinds.CONFIG_MAP, "config", "home")
    assert made["metadata"]["uid"] != again["metadata"]["uid"]
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert conditions.is_current(after, "Ready")


async def test_a_pass_that_changes_nothing_sends_nothing(source, given, api):
    passes = []

    async def reconcile(p):
        passes.append(given.clock.monotonic())
        await p.apply(config(a="1"))
        return outcome.DONE

    await source.create(keystone())
    async with running(source, given, one(reconcile)):
        await given.clock.sleep(10)
        seen = len(api.requests)
        await given.clock.sleep(3600)
    assert len(api.requests) == seen
    assert 5 <= len(passes) <= 9


async def test_failures_are_retried_ever_more_rarely(source, given):
    passes = []

    async def reconcile(p):
        passes.append(given.clock.monotonic())
        raise errors.Transient("not yet")

    await source.create(keystone())
    async with running(source, given, one(reconcile)):
        await given.clock.sleep(3600)
    assert 15 < len(passes) < 60
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    assert conditions.find(conditions.of(after), "Progressing")["reason"] == "TransientError"


async def test_a_pipeline_says_what_it_waits_for(source, given):
    async def secrets(scope):
        return outcome.DONE

    async def database(scope):
        return outcome.wait("Database home/keystone")

    async def schema(scope):
        return outcome.DONE

    async def reconcile(p):
        stages = [
            pipeline.Stage((secrets,)),
            pipeline.Stage((database,)),
            pipeline.Stage((schema,)),
        ]
        return await pipeline.run(p, None, stages)

    await source.create(keystone())
    async with running(source, given, one(reconcile)):
        await given.clock.sleep(1)
    after = await source.get(kinds.KEYSTONE, "keystone", "home")
    said = {c["type"]: (c["status"], c["reason"]) for c in conditions.of(after)}
    assert said == {
        "SecretsReady": ("True", "Succeeded"),
        "DatabaseReady": ("False", "Waiting"),
        "SchemaReady": ("Unknown", "WaitingForPrevious"),
        "Ready": ("False", "Waiting"),
        "Progressing": ("True", "Waiting"),
        "Available": ("False", "Waiting"),
    }
