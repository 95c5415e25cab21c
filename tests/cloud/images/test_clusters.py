"""Do images reach a cluster as solo mounts them, and what happens when something is in the way?

Judged by programs of others: umoci unpacks, skopeo and a registry read, containerd takes.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_clusters import (
    CONTROLLERS,
    MEMCACHED,
    SMALL,
    SOURCES,
    awaited,
    done,
    everything,
    images,
)
from tests_images import RELEASE, content

from ouranos.images import bill, oci

USER, PASSWORD = "somebody", "a secret of the story"
HTPASSWD = f"{USER}:$2b$04$xzTHKAfvGgVg0x6/9sNhGOANozt/0T5BWTRU7XZ.1JvX8mBeOBKXq\n"


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
