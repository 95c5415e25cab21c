"""Paths, the machine's file and the line about a cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ouranos.look import state
from ouranos.solo import machine, paths

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Home", "a/b", "..", "-a", "a-", "x" * 33, "a\nb", "höme"])
def test_a_name_that_is_no_label_never_becomes_a_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a cloud's name"):
        paths.Paths(tmp_path, name)


def test_the_folder_of_a_cloud_is_for_root_alone(tmp_path: Path) -> None:
    cloud = paths.Paths(tmp_path / "root", "home")
    cloud.make_folder()
    assert cloud.folder.stat().st_mode & 0o777 == 0o700
    assert [each.cloud for each in paths.clouds(tmp_path / "root")] == ["home"]


def test_a_private_file_is_replaced_whole_and_unreadable_to_others(tmp_path: Path) -> None:
    path = tmp_path / "token"
    paths.write_private(path, "one")
    paths.write_private(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_machine_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    cloud = paths.Paths(tmp_path, "home")
    cloud.make_folder()
    assert machine.Machine.read(cloud) is None
    machine.DEFAULT.write(cloud)
    assert machine.Machine.read(cloud) == machine.DEFAULT
    assert str(machine.DEFAULT.host_address) == "172.31.0.1"
    assert str(machine.DEFAULT.node_address) == "172.31.0.2"


def test_two_clouds_and_two_roots_never_share_a_bridge() -> None:
    names = {
        machine.bridge_name(paths.Paths(Path(root), cloud))
        for root in ("/a", "/b")
        for cloud in ("home", "work")
    }
    assert len(names) == 4
    assert all(len(name) <= 15 for name in names)


def cloud_object(generation: int = 1, observed: int = 1, **conditions: str) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=130)).isoformat()
    return {
        "metadata": {"generation": generation},
        "status": {
            "observedGeneration": observed,
            "conditions": [
                {
                    "type": kind,
                    "status": value,
                    "message": f"about {kind}",
                    "lastTransitionTime": since,
                }
                for kind, value in conditions.items()
            ],
        },
    }


@pytest.mark.parametrize(
    ("cloud", "line"),
    [
        pytest.param(
            cloud_object(Ready="True", Progressing="False"),
            "home: Ready, for 2m10s: about Ready",
            id="all is well",
        ),
        pytest.param(
            cloud_object(Ready="False", Progressing="True"),
            "home: Not ready, for 2m10s: about Ready",
            id="something is awaited",
        ),
        pytest.param(
            cloud_object(Ready="False", Progressing="False"),
            "home: Stopped, for 2m10s: about Ready",
            id="a person must decide",
        ),
        pytest.param(
            cloud_object(generation=2, Ready="True", Progressing="False"),
            "home: Not ready: waiting for the Cloud controller's first look",
            id="the spec was changed and nobody has looked yet",
        ),
        pytest.param(
            {"metadata": {"generation": 1}},
            "home: Not ready: waiting for the Cloud controller's first look",
            id="no status yet",
        ),
    ],
)
def test_one_line_says_how_a_cloud_is(cloud: dict[str, Any], line: str) -> None:
    assert state.of_cloud(cloud).line("home", NOW) == line


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0s"), (59, "59s"), (120, "2m"), (3661, "1h1m"), (90061, "1d1h")],
)
def test_ages_have_two_units(seconds: int, age: str) -> None:
    assert state.age_of((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == age
