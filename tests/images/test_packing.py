"""Is a packed layer a function of what is in its tree, and of nothing else?"""

import asyncio
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ouranos.images import packing, processes
from ouranos.images.packing import Packed, Packs
from ouranos.images.processes import Job, Patience

JOB = Job("packing", Patience(step=60))


class Node(NamedTuple):
    """Something in a tree."""

    kind: str
    mode: int
    owner: int
    moment: float
    text: bytes
    linked: bool
    """Whether it has a second name, `<name>.link`."""


# Everything that a file system admits, with what programs stumble over.
NAMES = st.one_of(
    st.sampled_from([b"-x", b" ", b"a\nb", b"\xc3\xa9", b"\xff", b"*", b"..a", b"x" * 120]),
    st.binary(min_size=1, max_size=8).map(
        lambda name: name.replace(b"/", b"_").replace(b"\0", b"")
    ),
).filter(lambda name: name not in {b"", b".", b".."} and not name.endswith(b".link"))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
# Without root's rights nobody but oneself can own a file.
OWNERS = st.sampled_from([0, 42434, 64055]) if os.geteuid() == 0 else st.just(os.geteuid())
NODES = st.builds(
    Node,
    st.sampled_from(["file", "file", "link", "directory"]),
    st.sampled_from([0o644, 0o755, 0o600, 0o4755, 0o1777]),
    OWNERS,
    st.sampled_from([0.0, 1_000_000.5, 1_767_225_600.0]),
    st.binary(max_size=2000),
    st.booleans(),
)
TREES = st.dictionaries(PATHS, NODES, max_size=6)


def plant(root: Path, nodes: Mapping[bytes, Node], *, backwards: bool) -> None:
    """Make a tree; the order in which it is made must not be seen."""
    root.chmod(0o755)
    for path in sorted(nodes, reverse=backwards):
        node, place = nodes[path], root / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if node.kind == "directory" or any(other.startswith(path + b"/") for other in nodes):
            place.mkdir(exist_ok=True)
        elif node.kind == "link":
            place.symlink_to(os.fsdecode(node.text.replace(b"\0", b"")[:50]) or "nowhere")
        else:
            place.write_bytes(node.text)
            if node.linked:
                place.with_name(f"{place.name}.link").hardlink_to(place)
    for place in sorted(root.rglob("*"), reverse=True):
        node = nodes.get(os.fsencode(place.relative_to(root)).removesuffix(b".link"))
        owner, moment = (node.owner, node.moment) if node else (os.geteuid(), 5.0)
        os.chown(place, owner, owner, follow_symlinks=False)
        if not place.is_symlink():
            place.chmod(node.mode if node else 0o755)
        os.utime(place, (moment, moment), follow_symlinks=False)
    os.utime(root, (5, 5))


def packed(tree: Path, to: Path) -> Packed:
    return asyncio.run(packing.archive(tree, to, JOB))


def inside(archive: Path) -> dict[str, tuple[object, ...]]:
    with tarfile.open(archive, "r:gz") as found:
        return {
            member.name: (member.type, member.mode, member.uid, member.gid, member.mtime)
            for member in found.getmembers()
        }


def outside(root: Path) -> dict[str, tuple[object, ...]]:
    seen: set[int] = set()
    there: dict[str, tuple[object, ...]] = {}
    for path in sorted([root, *root.rglob("*")], key=os.fsencode):
        stat = path.lstat()
        kind = tarfile.SYMTYPE if path.is_symlink() else tarfile.REGTYPE
        kind = tarfile.DIRTYPE if path.is_dir() and not path.is_symlink() else kind
        name = "." if path == root else f"./{path.relative_to(root)}"
        there[name] = (kind, stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, int(stat.st_mtime))
        if kind == tarfile.REGTYPE and stat.st_nlink > 1 and stat.st_ino in seen:
            there[name] = (tarfile.LNKTYPE, *there[name][1:])
        seen.add(stat.st_ino)
    return there


@settings(deadline=None, max_examples=30)
@given(TREES)
def test_the_same_tree_makes_the_same_bytes_and_everything_is_in_them(
    nodes: dict[bytes, Node],
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        plant(Path(one), nodes, backwards=False)
        plant(Path(two), nodes, backwards=True)
        with tempfile.TemporaryDirectory() as folder:
            first = packed(Path(one), Path(folder, "first"))
            second = packed(Path(two), Path(folder, "second"))
            assert first.file.read_bytes() == second.file.read_bytes()
            assert (first.digest, first.diff_id) == (second.digest, second.diff_id)
            assert inside(first.file) == outside(Path(one))


@settings(deadline=None, max_examples=15)
@given(TREES, st.sampled_from(["mode", "text", "moment", "name"]))
def test_whatever_is_changed_makes_another_digest(nodes: dict[bytes, Node], what: str) -> None:
    node = Node("file", 0o644, os.geteuid(), 7.0, b"text", linked=False)
    other = {
        "mode": node._replace(mode=0o640),
        "text": node._replace(text=b"texT"),
        "moment": node._replace(moment=8.0),
        "name": node,
    }[what]
    name = b"changed-too" if what == "name" else b"changed"
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        plant(Path(one), {**nodes, b"changed": node}, backwards=False)
        plant(Path(two), {**nodes, name: other}, backwards=False)
        with tempfile.TemporaryDirectory() as folder:
            first = packed(Path(one), Path(folder, "first"))
            second = packed(Path(two), Path(folder, "second"))
    assert first.diff_id != second.diff_id
    assert first.digest != second.digest


@pytest.fixture
def packs(tmp_path: Path) -> Packs:
    (tmp_path / "packed/scratch").mkdir(parents=True)
    return Packs(tmp_path / "packed", Patience(step=60))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("content")
    return tmp_path / "tree"


async def test_a_packed_layer_is_not_packed_again(packs: Packs, tree: Path) -> None:
    made = await packs.pack("layer", tree)
    (tree / "file").write_text("a layer never changes, so nobody looks")
    assert await packs.pack("layer", tree) == packs.find("layer") == made
    assert list((packs.root / "scratch").iterdir()) == []


async def test_a_packed_layer_that_was_cut_short_is_packed_again(packs: Packs, tree: Path) -> None:
    made = await packs.pack("layer", tree)
    whole = made.file.read_bytes()
    for broken in (made.file, made.file.with_name("layer.json")):
        broken.write_bytes(broken.read_bytes()[:10])
        assert packs.find("layer") is None
        assert await packs.pack("layer", tree) == made
        assert made.file.read_bytes() == whole


@pytest.mark.parametrize(
    "said", ["{}", "[]", '{"digest": "1", "size": 3, "diff_id": "2", "to": 1}']
)
async def test_what_is_written_in_other_words_is_packed_again(
    said: str, packs: Packs, tree: Path
) -> None:
    made = await packs.pack("layer", tree)
    made.file.write_bytes(b"abc")
    made.file.with_name("layer.json").write_text(said)
    assert packs.find("layer") is None
    assert await packs.pack("layer", tree) == made


async def test_what_was_packed_otherwise_is_packed_again(
    packs: Packs, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await packs.pack("layer", tree)
    monkeypatch.setattr(packing, "_FORMAT", 0)
    assert packs.find("layer") is None


async def test_a_tree_that_is_not_there_is_named(packs: Packs, tmp_path: Path) -> None:
    with pytest.raises(processes.Failed, match=rf"packing {tmp_path}/none: ended with 2: .*tar"):
        await packs.pack("layer", tmp_path / "none")
    assert packs.find("layer") is None
    assert list((packs.root / "scratch").iterdir()) == []


async def test_a_full_disk_is_the_fault_that_is_named_not_what_follows_from_it(tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(4 << 20))
    with pytest.raises(OSError, match="No space left"):
        await packing.archive(tree, Path("/dev/full"), JOB)


async def test_a_file_that_gets_a_link_meanwhile_is_packed_again() -> None:
    tries = 0

    async def make() -> Packed:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise processes.Failed("tar: ./lib.so: file changed as we read it")
        return Packed(Path("layer"), "sha256:1", 1, "sha256:2")

    assert (await packing.steady(make)).digest == "sha256:1"
    assert tries == 3


async def test_what_else_goes_wrong_is_not_tried_again() -> None:
    tries = 0

    async def make() -> Packed:
        nonlocal tries
        tries += 1
        raise processes.Failed("tar: cannot open")

    with pytest.raises(processes.Failed, match="cannot open"):
        await packing.steady(make)
    assert tries == 1
