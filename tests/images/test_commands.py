"""What a person reads when images cannot be made, or cannot go where they should."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ouranos.images import catalog, oci
from ouranos.images.packing import Packed

OURANOS = Path(sys.executable).with_name("ouranos")
MEMCACHED = catalog.reference("memcached", "2026.2")


def run(root: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    path = f"{root}:{os.environ['PATH']}"
    environment = {**os.environ, "OURANOS_ROOT": str(root), "HOME": str(root), "PATH": path}
    return subprocess.run(
        [OURANOS, "images", *words], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A layout with one image, of one layer."""
    file = tmp_path / "layer.tar.gz"
    file.write_bytes(b"a layer")
    layout = oci.Layout(tmp_path / "images/oci")
    layers = {"base": Packed(file, f"sha256:{'1' * 64}", 7, f"sha256:{'2' * 64}")}
    config = oci.configuration(catalog.IMAGES["memcached"], layers, {})
    layout.publish([layout.add(MEMCACHED, config, list(layers.values()))])
    return layout.root


REFUSALS = {
    "a release that is not known": (
        ("build", "--release", "2020.1"),
        "error: release '2020.1' is unknown; known: 2026.2; did you mean 2026.2?",
        "hint: ouranos images build -h",
    ),
    "an image that there is none of": (
        ("build", "--only", "postgres"),
        "error: there is no image 'postgres'",
        "hint: there are: mariadb, rabbitmq, memcached, ovn, openstack, libvirt, controllers",
    ),
    "images that were not built": (
        ("save", "archive", "--only", "ovn"),
        "error: {root}/images/oci has no ouranos.cloud/ovn:2026.2",
        "hint: build first: ouranos images build --release 2026.2 --only ovn",
    ),
    "another layout without them": (
        ("save", "archive", "--only", "ovn", "--layout", "/nowhere"),
        "error: /nowhere has no ouranos.cloud/ovn:2026.2",
        "hint: build first: ouranos images build --release 2026.2 --only ovn --layout /nowhere",
    ),
    "a containerd that does not run": (
        ("load", "--address", "/nowhere/containerd.sock"),
        "error: /nowhere/containerd.sock: there is no containerd",
        "hint: start it, or name its socket: --address SOCKET",
    ),
    "credentials that are not there": (
        ("push", "registry.example", "--authfile", "/none"),
        "error: ouranos images push: Invalid value for '--authfile': File '/none' does not exist",
        "hint: ouranos images push -h",
    ),
    "an archive in a folder that is not there": (
        ("save", "/nowhere/images.tar"),
        "error: /nowhere: there is no such folder",
        "hint: make it, or name another",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_in_one_line_with_a_hint_below_it(case: str, tmp_path: Path) -> None:
    words, message, hint = REFUSALS[case]
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [message.format(root=tmp_path), hint]


def test_a_registry_with_a_scheme_is_no_registry(tmp_path: Path, built: Path) -> None:
    done = run(tmp_path, "push", "https://registry.example", "--only", "memcached")
    assert done.returncode == 1
    assert "'https://registry.example' is no registry: it is HOST" in done.stderr


def test_nothing_of_images_is_removed_while_they_are_pushed(tmp_path: Path, built: Path) -> None:
    skopeo = tmp_path / "skopeo"
    skopeo.write_text(f"#!/bin/sh\nflock --nonblock {built} true || touch {tmp_path}/kept\n")
    skopeo.chmod(0o755)
    done = run(tmp_path, "push", "registry.example", "--only", "memcached")
    assert (done.returncode, (tmp_path / "kept").exists()) == (0, True)


def test_images_are_saved_into_one_file(tmp_path: Path, built: Path) -> None:
    archive = tmp_path / "images.tar"
    done = run(tmp_path, "save", archive, "--only", "memcached")
    digest = oci.Layout(built).images()[MEMCACHED].digest
    assert (done.returncode, done.stdout) == (0, f"{MEMCACHED}@{digest}\n")
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as found:
        index = found.extractfile("index.json")
        assert index is not None
        assert json.load(index)["manifests"][0]["digest"] == digest
