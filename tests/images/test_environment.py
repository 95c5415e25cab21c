import base64
import hashlib
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ouranos import releases
from ouranos.images import environment, tree
from ouranos.images.processes import Patience

RELEASE = releases.find("2026.2")


def test_modules_are_where_the_image_s_python_looks() -> None:
    for name in ("openstack", "ouranos"):
        locked = environment.find(name, RELEASE)
        assert locked.modules == f"opt/{name}/lib/python3.13/site-packages"


def test_every_locked_package_is_counted() -> None:
    for name in ("openstack", "ouranos"):
        locked = environment.find(name, RELEASE)
        names = [line for line in locked.lock.splitlines() if "==" in line]
        assert locked.count == len(names) > 20


def modules(root: Path, *paths: str) -> None:
    for path in paths:
        tree.text(root, path, "")


def test_a_later_pattern_takes_back_what_an_earlier_one_leaves_out(tmp_path: Path) -> None:
    modules(tmp_path, "lib/a/b.py", "lib/a/c.py", "lib/a/d/e.py", "lib/f.py", "lib/f.txt")
    (tmp_path / "lib/linked.py").symlink_to("f.py")
    found = environment.sources(tmp_path, ["/lib"], ["a/*", "!a/c.py"])
    assert list(found) == ["lib/a/c.py", "lib/f.py"]


def test_every_pattern_of_a_release_is_written_as_a_path_below_site_packages() -> None:
    facts = RELEASE.facts.packages
    for pattern in (*facts.leave_out, *facts.uncompiled):
        assert not pattern.startswith("/")
        assert pattern.strip() == pattern


WHEEL = {
    "story.py": "def main(): ...\n",
    "story-1.0.data/scripts/plain": "#!python\n",
    "story-1.0.data/scripts/shell": "#!/bin/sh\n",
    "story-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: story\nVersion: 1.0\n",
    "story-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "story-1.0.dist-info/entry_points.txt": "[console_scripts]\nstory = story:main\n",
}
HEADER = b"#!/opt/openstack/bin/python3\n"


def sha256(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    return f"sha256={digest.rstrip('=')}"


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> environment.Locked:
    """One package, whose wheel lies in a folder."""
    wheel = tmp_path / "story-1.0-py3-none-any.whl"
    told = [f"{name},{sha256(text.encode())},{len(text)}" for name, text in WHEEL.items()]
    record = "story-1.0.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**WHEEL, record: "\n".join([*told, f"{record},,\n"])}.items():
            archive.writestr(name, text)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    whole = environment.find("openstack", RELEASE)
    return replace(whole, lock=f"story==1.0 --hash=sha256:{digest}\n")


@pytest.mark.parametrize(
    "checkout",
    [
        pytest.param("usual", id="a path as most have it"),
        pytest.param("my projects", id="a path with a space"),
        pytest.param(f"{'x' * 60}/{'y' * 70}", id="a path too long for a first line"),
    ],
)
async def test_what_is_installed_does_not_say_where_ouranos_is(
    checkout: str, locked: environment.Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / checkout
    (here / "bin").mkdir(parents=True)
    (here / "bin/python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(here / "bin/python"))
    root = tree.directory(here, "tree")
    await environment.install(locked, root, here / "cache", Patience())
    scripts = root / locked.home / "bin"
    assert (scripts / "story").read_bytes().startswith(HEADER)
    assert (scripts / "plain").read_bytes() == HEADER
    assert (scripts / "shell").read_bytes() == b"#!/bin/sh\n"
    record = (root / locked.modules / "story-1.0.dist-info/RECORD").read_text().splitlines()
    for name in ("story", "plain", "shell"):
        content = (scripts / name).read_bytes()
        assert f"bin/{name},{sha256(content)},{len(content)}" in record
    assert not [
        path for path in root.rglob("*") if path.is_file() and str(here) in str(path.read_bytes())
    ]
