"""Do images reach a cluster as solo mounts them, and what happens when something is in the way?

Judged by programs of others: umoci unpacks, skopeo and a registry read, containerd takes.
"""

import base64
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from tests_images import RELEASE, content

from ouranos.images import bill, catalog, oci

OURANOS = Path(sys.executable).with_name("ouranos")
SMALL = ("--only", "memcached", "--only", "controllers")
MEMCACHED = catalog.reference("memcached", RELEASE)
CONTROLLERS = catalog.reference("controllers", RELEASE)

SOURCES = "sources"
"""A folder beside the root folder, with Ouranos as it was when the story began."""

USER, PASSWORD = "somebody", "a secret of the story"
HTPASSWD = f"{USER}:$2b$04$xzTHKAfvGgVg0x6/9sNhGOANozt/0T5BWTRU7XZ.1JvX8mBeOBKXq\n"


class Done(NamedTuple):
    code: int
    output: str
    complaints: str


def start(root: Path, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [OURANOS, "images", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OURANOS_ROOT": str(root),
            # What somebody changes meanwhile is not part of the story.
            "PYTHONPATH": str(root.parent / SOURCES),
            **variables,
        },
    )


def ended(process: subprocess.Popen[str]) -> Done:
    output, complaints = process.communicate(timeout=600)
    return Done(process.returncode, output, complaints)


def images(root: Path, *words: str | Path, **variables: str) -> Done:
    return ended(start(root, *words, **variables))


def done(root: Path, *words: str | Path, **variables: str) -> Done:
    found = images(root, *words, **variables)
    assert found.code == 0, found.complaints
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with two images, made from nothing."""
    root = tmp_path_factory.mktemp("story") / "root"
    source = Path(catalog.__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, root.parent / SOURCES / "ouranos", ignore=ignored)
    done(root, "build", *SMALL)
    return root


@pytest.fixture(scope="module")
def layout(root: Path) -> oci.Layout:
    return oci.Layout(root / "images/oci")


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_two_stores_made_from_nothing_make_the_same_images(root: Path, layout: oci.Layout) -> None:
    second = root.with_name("second")
    told = json.loads(done(second, "build", *SMALL, "-o", "json").output)
    other = oci.Layout(second / "images/oci")
    assert other.images() == layout.images()
    assert everything(other.root) == everything(layout.root)
    assert {each["reference"]: each["digest"] for each in told} == {
        image.reference: image.digest for image in layout.images().values()
    }


def test_layers_that_are_packed_anew_are_the_same(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    shutil.rmtree(root / "images/packed")
    done(root, "build", *SMALL, "--layout", tmp_path)
    assert everything(tmp_path) == everything(layout.root)


def test_an_image_is_what_solo_mounts_and_its_papers(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    trees = json.loads(
        subprocess.run(
            [sys.executable, "-c", _TREES, root / "images", MEMCACHED, CONTROLLERS],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(root.parent / SOURCES)},
        ).stdout
    )
    for reference, layers in trees.items():
        bundle = tmp_path / reference.replace("/", "-")
        words = ["umoci", "unpack", "--image", f"{layout.root}:{reference}", bundle]
        subprocess.run(words, check=True, capture_output=True)
        unpacked = content(bundle / "rootfs")
        papers = {
            path: unpacked.pop(path) for path in list(unpacked) if path.startswith(bill.FOLDER)
        }
        mounted: dict[str, tuple[object, ...]] = {}
        for layer in layers:
            mounted |= content(Path(layer))
        different = {path for path in unpacked | mounted if unpacked.get(path) != mounted.get(path)}
        assert different == set(), reference
        assert {bill.BILL, bill.DEBIAN_LOCK} < papers.keys()
        assert (bill.PYTHON_LOCK in papers) == (reference == CONTROLLERS)


_TREES = """
import asyncio, json, sys
from pathlib import Path
from ouranos.images import store

async def main():
    images = store.ImageStore(Path(sys.argv[1]))
    found = await images.ensure_all(sys.argv[2:])
    print(json.dumps({name: [str(tree) for tree in each.layers] for name, each in found.items()}))

asyncio.run(main())
"""


def test_the_bill_names_what_is_installed(layout: oci.Layout, tmp_path: Path) -> None:
    words = ["umoci", "unpack", "--image", f"{layout.root}:{CONTROLLERS}", tmp_path / "bundle"]
    subprocess.run(words, check=True, capture_output=True)
    tree = tmp_path / "bundle/rootfs"
    parts = json.loads((tree / bill.BILL).read_text())["components"]
    names = {part["name"] for part in parts}
    assert {"python3", "libc6", "ca-certificates", "pydantic", "httpx2", "ouranos"} <= names
    # What is locked for other systems is not in the image.
    assert not {"win-inet-pton", "httpx2-jsfetch", "uv"} & names


def test_a_change_of_ouranos_changes_its_own_layer_and_no_other(
    layout: oci.Layout, root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "sources"
    shutil.copytree(root.parent / SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "ouranos/changed.py").write_text("# a change\n")
    words = ("build", "--only", "controllers", "--layout", tmp_path / "layout")
    done(root, *words, PYTHONPATH=str(copy))
    new = oci.Layout(tmp_path / "layout")
    before = layout.layers(layout.images()[CONTROLLERS])
    after = new.layers(new.images()[CONTROLLERS])
    # base, interpreter, environment, Ouranos, bill of materials
    assert [one == two for one, two in zip(before, after, strict=True)] == [True] * 3 + [
        False,
        True,
    ]


class Registry:
    """Debian's docker-registry on a port of its own."""

    def __init__(self, folder: Path, htpasswd: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.address = f"127.0.0.1:{found.getsockname()[1]}"
        (folder / "htpasswd").write_text(htpasswd)
        auth = {"htpasswd": {"realm": "story", "path": str(folder / "htpasswd")}}
        config = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": self.address},
            **({"auth": auth} if htpasswd else {}),
        }
        (folder / "config.yml").write_text(json.dumps(config))
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log
            )
        host, port = self.address.split(":")
        awaited(lambda: socket.create_connection((host, int(port)), timeout=1).close())

    def uploads(self) -> int:
        return self.log.read_text().count('"PUT /v2/')

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def awaited(look: Callable[[], object]) -> None:
    end = time.monotonic() + 300
    while True:
        try:
            look()
        except (OSError, ValueError, subprocess.CalledProcessError):
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    running = Registry(tmp_path)
    yield running
    running.close()


@pytest.fixture
def closed_registry(tmp_path: Path) -> Iterator[Registry]:
    running = Registry(tmp_path, HTPASSWD)
    yield running
    running.close()


def test_a_registry_gets_each_image_once_and_by_the_same_digest(
    root: Path, layout: oci.Layout, registry: Registry
) -> None:
    target = f"{registry.address}/cloud"
    first = done(root, "push", target, *SMALL, "--no-tls-verify")
    names = {f"{target}/{name.partition('/')[2]}": name for name in (MEMCACHED, CONTROLLERS)}
    assert first.output.splitlines() == [
        f"{there}@{layout.images()[name].digest}" for there, name in names.items()
    ]
    for there, name in names.items():
        words = ["skopeo", "inspect", "--tls-verify=false", f"docker://{there}"]
        read = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        assert read["Digest"] == layout.images()[name].digest
        assert read["Layers"] == layout.layers(layout.images()[name])
    sent = registry.uploads()
    assert sent > 0
    again = done(root, "push", target, *SMALL, "--no-tls-verify")
    assert again.output == first.output
    assert again.complaints.splitlines() == [f"{there}: skipped, it is there" for there in names]
    assert registry.uploads() == sent


def test_a_registry_without_tls_is_told_apart(
    root: Path, layout: oci.Layout, registry: Registry
) -> None:
    del layout
    found = images(root, "push", registry.address, *SMALL)
    message, hint = found.complaints.splitlines()
    assert found.code == 1
    assert message.startswith(f"error: the registry {registry.address} speaks plain HTTP: ")
    assert hint == "hint: if nobody else can reach it: --no-tls-verify"


def test_a_registry_that_does_not_answer_is_named(root: Path, layout: oci.Layout) -> None:
    del layout
    found = images(root, "push", "127.0.0.1:1/cloud", *SMALL)
    message, hint = found.complaints.splitlines()
    assert found.code == 1
    assert message.startswith("error: the registry 127.0.0.1:1/cloud does not answer: ")
    assert "127.0.0.1:1" in hint


def test_credentials_come_from_a_file(
    root: Path, layout: oci.Layout, closed_registry: Registry, tmp_path: Path
) -> None:
    address = closed_registry.address
    push = ("push", address, "--only", "memcached", "--no-tls-verify")
    for words in (PASSWORD + "?", PASSWORD, None):
        auths = {}
        if words is not None:
            said = base64.b64encode(f"{USER}:{words}".encode()).decode()
            auths[address] = {"auth": said}
        (tmp_path / "auth.json").write_text(json.dumps({"auths": auths}))
        found = images(root, *push, "--authfile", tmp_path / "auth.json")
        if words == PASSWORD:
            digest = layout.images()[MEMCACHED].digest
            assert found.output == f"{address}/memcached:{RELEASE}@{digest}\n"
        else:
            assert found.code == 1
            assert f"the registry {address} refuses these credentials: " in found.complaints
            assert "hint: log in: skopeo login" in found.complaints
        assert PASSWORD not in found.complaints


@pytest.fixture
def containerd(tmp_path: Path) -> Iterator[Path]:
    address = tmp_path / "containerd.sock"
    (tmp_path / "config.toml").write_text(
        f'version = 2\nroot = "{tmp_path}/root"\nstate = "{tmp_path}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{address}"\n[ttrpc]\naddress = "{tmp_path}/ttrpc.sock"\n'
    )
    with (tmp_path / "log").open("wb") as log:
        words = ["containerd", "--config", tmp_path / "config.toml"]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    asked = ["ctr", "--address", address, "version"]
    awaited(lambda: subprocess.run(asked, check=True, capture_output=True))
    yield address
    process.terminate()
    process.wait()


def test_containerd_gets_each_image_once_and_unpacks_it(
    root: Path, layout: oci.Layout, containerd: Path
) -> None:
    first = done(root, "load", *SMALL, "--address", containerd)
    ctr = ["ctr", "--address", containerd, "--namespace", "k8s.io"]
    listed = subprocess.run(
        [*ctr, "images", "check"], check=True, capture_output=True, text=True
    ).stdout.splitlines()[1:]
    for image in layout.images().values():
        assert f"{image.reference}@{image.digest}" in first.output.splitlines()
        (row,) = [line for line in listed if line.startswith(f"{image.reference} ")]
        assert image.digest in row
        assert row.split()[-1] == "true", "unpacked"
    again = done(root, "load", *SMALL, "--address", containerd)
    assert again.output == first.output
    assert again.complaints.count("skipped, it is there") == 2


def test_a_socket_at_which_nobody_listens_is_no_containerd(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    del layout
    address = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(address))
    found = images(root, "load", *SMALL, "--address", address)
    assert (found.code, found.output) == (1, "")
    assert f"asking containerd for its images at {address}" in found.complaints
    assert found.complaints.splitlines()[-1] == (
        f"hint: does containerd run? ctr --address {address} version"
    )


def consistent(layout: oci.Layout) -> None:
    """What is listed is there, whole, at every moment."""
    for image in layout.images().values():
        manifest = json.loads(layout.blob(image.digest).read_text())
        for each in (manifest["config"], *manifest["layers"]):
            assert layout.blob(each["digest"]).stat().st_size == each["size"]


def held_by_one_of(lock: Path, *processes: int) -> None:
    """Raise ValueError unless one of these processes holds the lock."""
    if lock.read_text() not in {f"{process}\n" for process in processes}:
        raise ValueError(lock)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_what_is_interrupted_is_taken_on_by_the_next(
    ending: signal.Signals, root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    moments = random.Random(20261121)
    other = oci.Layout(tmp_path / "layout")
    interrupted = 0
    for _ in range(6):
        shutil.rmtree(root / "images/packed", ignore_errors=True)
        with start(root, "build", *SMALL, "--layout", other.root) as process:
            try:
                awaited(partial(held_by_one_of, root / "images/packed/lock", process.pid))
                time.sleep(moments.uniform(0, 1))
                process.send_signal(ending)
                found = ended(process)
            finally:
                process.kill()
        interrupted += found.code != 0
        if ending == signal.SIGINT and found.code != 0:
            assert found.code == 130, found.complaints
            assert found.complaints.endswith("the same command goes on\n")
        consistent(other)
    assert interrupted > 0
    done(root, "build", *SMALL, "--layout", other.root)
    assert everything(other.root) == everything(layout.root)
    assert list((root / "images/packed/scratch").iterdir()) == []


def test_each_waits_for_the_other_and_then_finds_what_it_made(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    shutil.rmtree(root / "images/packed", ignore_errors=True)
    (root / "images/packed").mkdir()
    words = ("build", *SMALL, "--layout", tmp_path, "-o", "name")
    lock = (root / "images/packed/lock").open("a+")
    # A third one, which is there before both.
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    with lock, start(root, *words) as first, start(root, *words) as second:
        try:
            for process in (first, second):
                assert process.stderr is not None
                said = process.stderr.readline()
                assert said.startswith(f"waiting for process {os.getpid()}, which fills ")
            fcntl.flock(lock, fcntl.LOCK_UN)
            ends = [ended(process) for process in (first, second)]
        finally:
            first.kill()
            second.kill()
    assert [end.code for end in ends] == [0, 0]
    assert ends[0].output == ends[1].output == f"{MEMCACHED}\n{CONTROLLERS}\n"
    assert everything(tmp_path) == everything(layout.root)


def test_a_full_disk_is_said_and_it_goes_on_when_there_is_space(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", tmp_path], check=True)
    try:
        found = images(root, "build", *SMALL, "--layout", tmp_path / "layout")
        message, hint = found.complaints.splitlines()[-2:]
        assert found.code == 1
        assert message == f"error: writing images to {tmp_path}/layout: no space left on the disk"
        assert hint.startswith("hint: make room there")
        assert oci.Layout(tmp_path / "layout").images() == {}
        subprocess.run(["mount", "-o", "remount,size=1g", tmp_path], check=True)
        done(root, "build", *SMALL, "--layout", tmp_path / "layout")
        assert everything(tmp_path / "layout") == everything(layout.root)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
