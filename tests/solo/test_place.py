"""A cloud of this machine, as commands see it: what they are told where it cannot be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ouranos.kit import cluster, errors
from ouranos.look import place as look_place
from ouranos.look import state
from ouranos.solo import door, lock, obstacles, paths, place


class Silent:
    """An API that does not answer."""

    async def get(self, *_: Any) -> dict[str, Any]:
        raise errors.Unreachable("nobody")


class Empty:
    """An API without a Cloud."""

    async def get(self, *_: Any) -> None:
        return None

    async def list(self, *_: Any) -> cluster.Listing:
        return cluster.Listing([], "")


@pytest.fixture
def cloud(tmp_path: Path) -> paths.Paths:
    made = paths.Paths(tmp_path, "home")
    made.make_folder()
    return made


def local(api: Any, cloud: paths.Paths) -> place.Local:
    return place.Local(api, cloud)


async def refused(api: Any, cloud: paths.Paths) -> tuple[str, str]:
    with pytest.raises(look_place.RefusedError) as caught:
        await local(api, cloud).look()
    return caught.value.message, caught.value.hint


async def test_a_cloud_that_is_down_is_not_asked(cloud: paths.Paths) -> None:
    said = ("home: down", "bring it up: ouranos up --cloud home")
    assert await refused(Empty(), cloud) == said
    with pytest.raises(look_place.RefusedError, match="home: down"):
        async with place.find(cloud):
            pass


async def test_a_daemon_that_nobody_gave_a_cloud_says_so(cloud: paths.Paths) -> None:
    with lock.Lock(cloud.daemon_lock, "daemon"):
        message, _ = await refused(Empty(), cloud)
    assert message == "home: the daemon runs, and nobody has given it a Cloud"


async def test_what_stands_in_the_way_is_told_where_nobody_answers(
    cloud: paths.Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = state.Finding("disk", "the disk is full", "make room")
    found = [full]
    monkeypatch.setattr(obstacles, "find", lambda *_: found)
    with lock.Lock(cloud.supervisor_lock, "supervisor"):
        assert await refused(Silent(), cloud) == ("home: the disk is full", "make room")
        found.clear()
        message, hint = await refused(Silent(), cloud)
        assert message == "home: its daemon has ended and is being started again"
        assert str(cloud.log) in hint
        with lock.Lock(cloud.daemon_lock, "daemon"), pytest.raises(errors.Unreachable):
            await local(Silent(), cloud).look()


async def test_a_cloud_is_the_same_to_commands_as_one_in_a_cluster(cloud: paths.Paths) -> None:
    found: look_place.Place = local(Empty(), cloud)
    assert (found.cloud, found.namespace, found.options) == ("home", "home", "")
    assert found.guests == cloud.images
    assert found.files == {"clouds.yaml": cloud.clouds_yaml, "kubeconfig": cloud.kubeconfig}
    with pytest.raises(look_place.RefusedError) as caught:
        await found.own_pods()
    assert caught.value.hint == f"look into {cloud.log}"


async def test_the_administrator_is_in_the_file_that_up_writes(cloud: paths.Paths) -> None:
    found = local(Empty(), cloud)
    with pytest.raises(look_place.RefusedError, match=r"no clouds\.yaml yet"):
        await found.environment()
    cloud.clouds_yaml.write_text("clouds: {}\n", encoding="utf-8")
    assert await found.environment() == {
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
        "OS_CLOUD": "home",
    }


async def test_the_second_waits_until_the_first_is_done(cloud: paths.Paths) -> None:
    found = local(Empty(), cloud)
    async with found.alone("verify"):
        with pytest.raises(look_place.RefusedError, match=r"verify\.lock is held by verify"):
            async with found.alone("verify"):
                pytest.fail("two at once")
    async with found.alone("verify"):
        assert (cloud.folder / "verify.lock").exists()


def test_a_cloud_without_an_api_is_not_up(cloud: paths.Paths) -> None:
    with pytest.raises(door.NotUpError) as caught:
        door._http(cloud)
    assert caught.value.hint == "bring it up: ouranos up"
