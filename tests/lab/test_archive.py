"""Is the image what containerd takes, and always the same?"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from ouranos.lab import archive

REFERENCE = "ouranos.cloud/pause:lab"


def test_an_archive_leads_from_its_index_to_the_program() -> None:
    packed = archive.pack(b"program", "pause", REFERENCE)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    head = json.loads(files["index.json"])["manifests"][0]
    assert head["annotations"]["io.containerd.image.name"] == REFERENCE
    manifest = json.loads(_blob(files, head))
    config = json.loads(_blob(files, manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    with tarfile.open(fileobj=io.BytesIO(_blob(files, manifest["layers"][0]))) as layer:
        (entry,) = layer
        assert (entry.name, entry.mode) == ("pause", 0o755)
        assert layer.extractfile(entry).read() == b"program"  # type: ignore[union-attr]


def _blob(files: dict[str, bytes], described: dict[str, object]) -> bytes:
    algorithm, _, digest = str(described["digest"]).partition(":")
    blob = files[f"blobs/{algorithm}/{digest}"]
    assert hashlib.sha256(blob).hexdigest() == digest
    assert len(blob) == described["size"]
    return blob


def test_the_same_program_is_the_same_archive(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"program")
    archive.write(program, REFERENCE, tmp_path / "one.tar")
    assert (tmp_path / "one.tar").read_bytes() == archive.pack(b"program", "pause", REFERENCE)
    assert archive.pack(b"other", "pause", REFERENCE) != archive.pack(
        b"program", "pause", REFERENCE
    )
