import os
from pathlib import Path

import pytest

from ouranos.images import tree
from ouranos.images.definition import Account, Directory, File, Group, Layer, Link

OWNER = os.getuid()
BELOW = Layer("below")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.directory(tmp_path, "tree")


def masters(root: Path) -> None:
    tree.text(root, "usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/bash\n")
    tree.text(root, "usr/share/base-passwd/group.master", "root:*:0:\nkvm:*:99:\n")


def test_directories_are_open_to_all_whatever_the_process_would_make_them(root: Path) -> None:
    before = os.umask(0o077)
    try:
        tree.directory(root, "/var/lib/service")
    finally:
        os.umask(before)
    assert (root / "var/lib").stat().st_mode & 0o777 == 0o755


def test_a_definition_becomes_true(root: Path) -> None:
    (root / "usr/sbin").mkdir(parents=True)
    (root / "usr/sbin/tool").write_text("the one of the package")
    tree.complete(
        root,
        Layer(
            "layer",
            over=(BELOW,),
            directories=(Directory("/var/lib/service", 0o700, OWNER),),
            files=(File("/usr/lib/run", "#!/bin/sh\n", 0o755),),
            links=(Link("/usr/sbin/tool", "other-tool"), Link("/var/empty", "/nowhere")),
        ),
    )
    assert (root / "var/lib/service").stat().st_mode & 0o777 == 0o700
    assert (root / "usr/lib/run").stat().st_mode & 0o777 == 0o755
    assert str((root / "usr/sbin/tool").readlink()) == "other-tool"
    assert str((root / "var/empty").readlink()) == "/nowhere"


def test_it_can_be_done_again(root: Path) -> None:
    layer = Layer(
        "layer",
        over=(BELOW,),
        directories=(Directory("/var/lib/service", 0o700, OWNER),),
        files=(File("/etc/file", "words\n"),),
        links=(Link("/etc/link", "file"),),
    )
    tree.complete(root, layer)
    tree.complete(root, layer)
    assert (root / "etc/link").read_text() == "words\n"


def test_what_only_helps_to_unpack_is_not_in_layers_above_the_base(root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr/bin").mkdir(parents=True)
    tree.complete(root, Layer("layer", over=(BELOW,)))
    assert [path.name for path in root.iterdir()] == ["usr"]


def test_accounts_are_added_to_debian_s_own(root: Path) -> None:
    masters(root)
    tree.complete(
        root,
        Layer(
            "base",
            accounts=(Account("mysql", 42434), Account("guest", 64055, group=64056, home="/g")),
            groups=(Group("kvm", 64056, ("mysql",)),),
        ),
    )
    assert (root / "etc/passwd").read_text().splitlines() == [
        "root:*:0:0:root:/root:/bin/bash",
        "mysql:*:42434:42434::/nonexistent:/usr/sbin/nologin",
        "guest:*:64055:64056::/g:/usr/sbin/nologin",
    ]
    assert (root / "etc/group").read_text().splitlines() == [
        "root:*:0:",
        "mysql:*:42434:",
        "guest:*:64055:",
        "kvm:*:64056:mysql",
    ]


def test_the_bundle_of_authorities_is_in_the_order_of_their_names(root: Path) -> None:
    for name in ("b", "a"):
        tree.text(root, f"usr/share/ca-certificates/mozilla/{name}.crt", f"{name}\n")
    tree.complete(root, Layer("layer", over=(BELOW,), certificates=True))
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == "a\nb\n"


def test_no_time_of_the_making_stays(root: Path) -> None:
    old = tree.text
    old(root, "usr/share/old", "from a package")
    os.utime(root / "usr/share/old", (1000, 1000))
    tree.text(root, "etc/new", "made here")
    (root / "etc/link").symlink_to("new")
    tree.settle(root, files=False)
    times = {path.name: path.lstat().st_mtime for path in root.rglob("*")}
    assert times.pop("old") == 1000
    assert set(times.values()) == {tree.MOMENT}
    tree.settle(root, files=True)
    assert (root / "usr/share/old").stat().st_mtime == tree.MOMENT
