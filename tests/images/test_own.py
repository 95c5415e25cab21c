import subprocess
import sys
from pathlib import Path

import pytest

from ouranos.images import catalog, own, tree
from ouranos.kit import errors

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", own.ENVIRONMENTS)
def test_our_packages_are_found_and_installed_as_source(package: str, tmp_path: Path) -> None:
    source = own.source(package)
    assert Path("__init__.py") in own.files(source)
    own.install(package, tmp_path, "lib/modules")
    installed = tmp_path / f"lib/modules/{package}/__init__.py"
    assert installed.read_text() == (source / "__init__.py").read_text()
    assert installed.stat().st_mtime == tree.MOMENT
    assert not list(tmp_path.rglob("*.pyc"))


def test_bytecode_that_another_process_is_writing_is_no_source(tmp_path: Path) -> None:
    for name in ("a.py", "a.sh", "__pycache__/a.cpython-311.pyc", "__pycache__/a.pyc.140245"):
        tree.text(tmp_path, name, "")
    assert own.files(tmp_path) == [Path("a.py"), Path("a.sh")]


def test_ouranos_says_in_its_image_which_version_it_is(tmp_path: Path) -> None:
    own.install("ouranos", tmp_path, "modules")
    code = "from importlib import metadata; print(metadata.version('ouranos'))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = ['modules']; {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == catalog.version()


def test_every_file_of_a_package_is_part_of_its_fingerprint() -> None:
    for package in own.ENVIRONMENTS:
        named = {name for name, _ in own.fingerprint(package)}
        assert {str(path) for path in own.files(own.source(package))} <= named


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(errors.Terminal, match="the package ouranos-nothing is not installed"):
        own.source("ouranos_nothing")


def test_the_controllers_lock_is_what_ours_says() -> None:
    script = ROOT / "scripts/lock_controllers.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
