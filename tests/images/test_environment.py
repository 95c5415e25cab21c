from pathlib import Path

from ouranos import releases
from ouranos.images import environment, tree

RELEASE = releases.find("2026.2")


def test_modules_are_where_the_image_s_python_looks() -> None:
    assert environment.packages_path(RELEASE) == "opt/openstack/lib/python3.13/site-packages"


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


def test_the_runtime_is_found_and_installed_as_source(tmp_path: Path) -> None:
    source = environment.runtime_source()
    assert Path("__init__.py") in environment.runtime_files(source)
    environment.install_runtime(RELEASE, tmp_path, source)
    installed = tmp_path / environment.packages_path(RELEASE) / "ouranos_runtime/__init__.py"
    assert installed.read_text() == (source / "__init__.py").read_text()
    assert installed.stat().st_mtime == tree.MOMENT
