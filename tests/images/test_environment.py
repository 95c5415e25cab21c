from pathlib import Path

from ouranos import releases
from ouranos.images import environment, tree

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
