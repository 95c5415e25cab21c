"""Do the files of a layout say what the specification of images says?"""

import errno
import hashlib
import io
import json
import os
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from ouranos.images import catalog, oci
from ouranos.images.packing import Packed
from ouranos.kit import errors

ONE, TWO = "ouranos.cloud/one:2026.2", "ouranos.cloud/two:2026.2"


def layer(folder: Path, text: str) -> Packed:
    plain = text.encode()
    packed = zlib.compress(plain)
    file = folder / f"{text}.tar.gz"
    file.write_bytes(packed)
    digests = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in (packed, plain)]
    return Packed(file, digests[0], len(packed), digests[1])


@pytest.fixture
def layers(tmp_path: Path) -> dict[str, Packed]:
    return {text: layer(tmp_path, text) for text in ("base", "upper", "other")}


@pytest.fixture
def layout(tmp_path: Path) -> oci.Layout:
    return oci.Layout(tmp_path / "layout")


def put(layout: oci.Layout, reference: str, packed: dict[str, Packed]) -> oci.Image:
    config = oci.configuration(catalog.CONTROLLERS, packed, {"title": "controllers"})
    made = layout.add(reference, config, list(packed.values()))
    layout.publish([made])
    return made


def read(layout: oci.Layout, digest: str) -> dict[str, Any]:
    content = layout.blob(digest).read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return json.loads(content)


def test_a_manifest_leads_to_everything_by_digest_and_size(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    made = put(layout, ONE, layers)
    manifest = read(layout, made.digest)
    assert [each["digest"] for each in manifest["layers"]] == layout.layers(made)
    for each in (manifest["config"], *manifest["layers"]):
        assert layout.blob(each["digest"]).stat().st_size == each["size"]
    config = read(layout, manifest["config"]["digest"])
    assert config["rootfs"]["diff_ids"] == [each.diff_id for each in layers.values()]
    assert len(config["history"]) == len(layers)
    assert layout.size(made) == made.size + manifest["config"]["size"] + sum(
        each.size for each in layers.values()
    )


def test_a_container_of_the_controllers_runs_as_nobody_else_and_says_what_it_runs(
    layers: dict[str, Packed],
) -> None:
    config = oci.configuration(catalog.CONTROLLERS, layers, {})["config"]
    assert config["User"] == "42499:42499"
    assert config["Entrypoint"] == ["python3", "-m", "ouranos.cluster"]
    assert f"PATH={catalog.CONTROLLERS.env['PATH']}" in config["Env"]


def test_pods_say_what_runs_in_the_other_images(layers: dict[str, Packed]) -> None:
    for image in catalog.IMAGES.values():
        config = oci.configuration(image, layers, {})["config"]
        assert config.keys() == {"Env", "Labels"}


def test_images_share_the_blobs_of_their_layers(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    one, two = (
        put(layout, ONE, {"base": layers["base"], "upper": layers["upper"]}),
        put(layout, TWO, {"base": layers["base"], "other": layers["other"]}),
    )
    assert layout.images() == {ONE: one, TWO: two}
    assert len(list((layout.root / "blobs/sha256").iterdir())) == 3 + 2 * 2
    # The very file that was packed, where both are on one disk.
    assert layout.blob(layers["base"].digest).stat().st_nlink == 2


def test_an_image_takes_the_place_of_its_predecessor_and_what_only_that_needed_goes(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    old = put(layout, ONE, {"base": layers["base"], "upper": layers["upper"]})
    kept = put(layout, TWO, {"base": layers["base"]})
    new = put(layout, ONE, {"base": layers["base"], "other": layers["other"]})
    assert layout.images() == {ONE: new, TWO: kept}
    assert not layout.blob(old.digest).exists()
    assert not layout.blob(layers["upper"].digest).exists()
    assert layout.blob(layers["base"].digest).exists()


@pytest.mark.parametrize("gone", ["manifest", "layer"])
def test_an_image_of_which_something_is_gone_stops_no_other(
    gone: str, layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    old = put(layout, ONE, {"base": layers["base"], "upper": layers["upper"]})
    layout.blob(old.digest if gone == "manifest" else layers["upper"].digest).unlink()
    new = put(layout, TWO, {"base": layers["base"]})
    assert layout.images() == {TWO: new}


def test_nothing_of_an_image_is_removed_while_somebody_sends_it(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    old = put(layout, ONE, {"upper": layers["upper"]})
    with layout.kept(), layout.only(old) as folder:
        new = put(layout, ONE, {"base": layers["base"]})
        assert oci.Layout(folder).images() == {ONE: old}
        assert oci.Layout(folder).size(old) > 0
    assert layout.images() == {ONE: new}
    put(layout, ONE, {"base": layers["base"]})
    assert not layout.blob(old.digest).exists()


def test_a_layer_of_another_disk_is_on_this_one_before_it_is_listed(
    layout: oci.Layout, layers: dict[str, Packed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    flushed: list[str] = []

    def flush(file: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{file}").resolve().name)

    monkeypatch.setattr(os, "link", refused)
    monkeypatch.setattr(os, "fsync", flush)
    put(layout, ONE, {"base": layers["base"]})
    copy = layout.blob(layers["base"].digest).with_suffix(".new").name
    assert flushed.index(copy) < flushed.index("index.json.new")


def test_the_same_images_make_the_same_layout_in_whatever_order(
    tmp_path: Path, layers: dict[str, Packed]
) -> None:
    contents: list[dict[str, bytes]] = []
    for folder, order in (("a", (ONE, TWO)), ("b", (TWO, ONE))):
        layout = oci.Layout(tmp_path / folder)
        for reference in order:
            put(layout, reference, layers)
        files = (path for path in layout.root.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(layout.root)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_a_blob_that_was_cut_short_is_put_again(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    made = put(layout, ONE, layers)
    blob = layout.blob(layers["base"].digest)
    blob.unlink()
    blob.write_bytes(b"half")
    assert put(layout, ONE, layers) == made
    assert blob.read_bytes() == layers["base"].file.read_bytes()


def test_a_folder_without_a_layout_has_no_images(tmp_path: Path) -> None:
    assert oci.Layout(tmp_path).images() == {}
    assert oci.Layout(tmp_path / "none").images() == {}
    (tmp_path / "file").touch()
    assert oci.Layout(tmp_path / "file").images() == {}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"manifests": [{"digest": "sha256:1"}]}'])
def test_the_layout_of_somebody_else_is_left_alone(layout: oci.Layout, text: str) -> None:
    layout.root.mkdir()
    (layout.root / "index.json").write_text(text)
    with pytest.raises(errors.Terminal, match=r"index\.json is not a list that Ouranos wrote"):
        layout.images()
    with pytest.raises(errors.Terminal):
        layout.publish([])
    assert [path.name for path in layout.root.iterdir()] == ["index.json"]


def test_an_archive_holds_what_was_chosen_under_the_names_that_were_wished(
    layout: oci.Layout, layers: dict[str, Packed]
) -> None:
    one = put(layout, ONE, {"base": layers["base"], "upper": layers["upper"]})
    put(layout, TWO, {"base": layers["base"], "other": layers["other"]})
    written = io.BytesIO()
    layout.archive({"ouranos.cloud/one:next": ONE}, written)
    with tarfile.open(fileobj=io.BytesIO(written.getvalue())) as archive:
        inside = {
            member.name: found.read()
            for member in archive.getmembers()
            if (found := archive.extractfile(member)) is not None
        }
    (listed,) = json.loads(inside.pop("index.json"))["manifests"]
    assert listed["digest"] == one.digest
    assert listed["annotations"] == {
        "io.containerd.image.name": "ouranos.cloud/one:next",
        "org.opencontainers.image.ref.name": "ouranos.cloud/one:next",
    }
    assert json.loads(inside.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    assert set(inside) == {
        f"blobs/sha256/{digest.removeprefix('sha256:')}"
        for digest in (
            one.digest,
            read(layout, one.digest)["config"]["digest"],
            layers["base"].digest,
            layers["upper"].digest,
        )
    }
    for name, content in inside.items():
        assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
