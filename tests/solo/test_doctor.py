"""What the doctor asks of a disk depends on what is there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ouranos.solo import doctor, machine, paths


@pytest.fixture
def cloud(tmp_path: Path) -> paths.Paths:
    found = paths.Paths(tmp_path / "root", "home")
    found.make_folder()
    return found


def needed(cloud: paths.Paths, monkeypatch: pytest.MonkeyPatch, free: int) -> list[str]:
    usage = shutil.disk_usage(cloud.root)._replace(free=free * doctor.GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    return [finding.message for finding in doctor.disk(cloud, machine.DEFAULT)]


def test_a_first_cloud_needs_room_for_images_too(
    cloud: paths.Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"{cloud.folder} has 11.0 GiB free, and 12 GiB are needed"
    assert needed(cloud, monkeypatch, 11) == [said]
    assert needed(cloud, monkeypatch, 12) == []


def test_a_cloud_that_exists_needs_less(
    cloud: paths.Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.database.touch()
    said = f"{cloud.folder} has 5.0 GiB free, and 6 GiB are needed"
    assert needed(cloud, monkeypatch, 5) == [said]
