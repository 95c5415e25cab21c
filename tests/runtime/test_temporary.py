"""A second run in the same pod finds nothing of the first."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from ouranos_runtime import temporary


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_second_run_finds_nothing_of_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = temporary.start_afresh()
    (Path(tempfile.gettempdir()) / "neutron_start_time1").write_text("1")
    monkeypatch.setenv("TMPDIR", str(folder))  # as the container that is started next finds it
    second = temporary.start_afresh()
    assert list(folder.iterdir()) == [second]
    assert second != first
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_what_others_put_there_stays(folder: Path) -> None:
    (folder / "theirs").write_text("kept")
    temporary.start_afresh()
    assert (folder / "theirs").read_text() == "kept"
