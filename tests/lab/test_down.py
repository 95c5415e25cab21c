"""Is a lab's folder removed whole, and nothing of anybody else?"""

import shutil
from pathlib import Path

import pytest

from ouranos.lab import down, errors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kubernetes"
    (made / "volumes").mkdir(parents=True)
    return made


@pytest.mark.parametrize("below", ["", "/volumes"])
def test_nothing_is_emptied_that_somebody_mounted_there(
    tmp_path: Path, folder: Path, below: str
) -> None:
    link = tmp_path / "root"
    link.symlink_to(tmp_path)
    mounts = f"31 20 0:27 / {folder}{below} rw - tmpfs none rw\n"
    with pytest.raises(errors.LabError, match="is still mounted") as refused:
        down._remove(link / "kubernetes", mounts)
    assert refused.value.hint == f"umount {folder}{below}"
    assert (folder / "volumes").is_dir()


def test_what_is_removed_half_way_is_no_lab(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            down._remove(folder, "")
    assert not folder.exists()
    folder.mkdir()
    down._remove(folder, "")
    assert list(tmp_path.iterdir()) == []
