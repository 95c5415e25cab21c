"""Does a crash between any two calls leave one of everything, which the next pass finishes?"""

import backing_worlds as worlds
import fake_servers
import hypothesis
import pytest
from hypothesis import strategies

from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.simulation import virtual
from ouranos.kit import cluster, kinds

MOST_CALLS = 12


async def _survives(world: worlds.World, fate: fake_servers.Fate, kind: str) -> bool:
    """Run a pass that may die; return whether it did."""
    target = {"database": kinds.DATABASE, "vhost": kinds.VHOST}[kind]
    name = "nova-api" if kind == "database" else "nova"
    world.databases.fate = world.broker.fate = fate
    try:
        await world.pass_over(target, name)
    except fake_servers.Crash:
        return True
    return False


def _is_whole(world: worlds.World, kind: str) -> bool:
    if kind == "database":
        server = world.databases
        return (
            server.databases == {"nova_api"}
            and server.users == {"nova": "first"}
            and server.grants == {("nova_api", "nova")}
            and len(server.marks) == 2
        )
    return list(world.broker.vhosts) == ["nova"] and list(world.broker.users) == ["nova"]


@pytest.mark.parametrize("kind", ["database", "vhost"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_at_each_call_is_finished_by_the_next_pass(
    world: worlds.World, kind: str, moment: str
) -> None:
    for point in range(1, MOST_CALLS):
        world.databases.__init__()
        world.broker.__init__()
        await world.source.delete(kinds.DATABASE, "nova-api", "home")
        await world.source.delete(kinds.VHOST, "nova", "home")
        if await world.source.get(kinds.DATABASE, "nova-api", "home"):
            await world.pass_over(kinds.DATABASE, "nova-api")
        if await world.source.get(kinds.VHOST, "nova", "home"):
            await world.pass_over(kinds.VHOST, "nova")
        await world.claim()
        await world.vhost()
        fate = fake_servers.Fate(crash_at=point, after=moment == "after")
        died = await _survives(world, fate, kind)
        assert not await _survives(world, fake_servers.Fate(), kind)
        assert _is_whole(world, kind), point
        calm = fake_servers.Fate()
        assert not await _survives(world, calm, kind)
        assert calm.writes == []
        if not died:
            return
    pytest.fail("a pass makes more calls than were tried")


ACTIONS = strategies.sampled_from(
    ["drop user", "change password", "revoke", "pass", "crash 1", "crash 3", "crash 5"]
)


@hypothesis.settings(max_examples=12)
@hypothesis.given(actions=strategies.lists(ACTIONS, max_size=8))
def test_any_story_ends_with_one_of_everything(actions: list[str]) -> None:
    loop = virtual.VirtualLoop()
    try:
        loop.run_until_complete(_story(actions))
    finally:
        loop.close()


async def _story(actions: list[str]) -> None:
    given = virtual.virtual_seams()
    api = await apiserver.ApiServer.open(None, given)
    async with worlds.client_of(api) as http:
        source = cluster.Cluster(http, manager="test")
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
        await source.apply(home)
        world = worlds.World(source, given)
        await world.prepare()
        await world.claim()
        for action in actions:
            await _act(world, action)
        assert not await _survives(world, fake_servers.Fate(), "database")
        assert _is_whole(world, "database")
    await api.close()


async def _act(world: worlds.World, action: str) -> None:
    server = world.databases
    if action == "drop user":
        server.users.clear()
        server.grants.clear()
    elif action == "change password" and "nova" in server.users:
        server.users["nova"] = "another"
    elif action == "revoke":
        server.grants.clear()
    elif action.startswith("crash"):
        await _survives(world, fake_servers.Fate(crash_at=int(action[-1])), "database")
    else:
        await _survives(world, fake_servers.Fate(), "database")
