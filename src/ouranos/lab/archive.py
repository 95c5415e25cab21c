"""How does one static program become an image? As an OCI archive of one layer."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Final

_MEDIA: Final = "application/vnd.oci.image"


def pack(program: bytes, name: str, reference: str, architecture: str = "amd64") -> bytes:
    """Return an OCI archive with `/<name>` as its only file; the same program, the same bytes."""
    layer = _tar({name: program}, mode=0o755)
    config = _json(
        {
            "created": "2026-01-01T00:00:00Z",
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": [f"/{name}"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{"created_by": "ouranos.lab"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}.manifest.v1+json",
            "config": _described("config.v1+json", config),
            "layers": [_described("layer.v1.tar", layer)],
        }
    )
    head = _described("manifest.v1+json", manifest)
    head["annotations"] = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.index.v1+json",
        "manifests": [head],
    }
    blobs = {
        f"blobs/sha256/{_digest(blob).partition(':')[2]}": blob
        for blob in (config, manifest, layer)
    }
    parts = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index)}
    return _tar(parts | blobs, mode=0o644)


def write(program: Path, reference: str, target: Path) -> None:
    """Write the archive of a program."""
    target.write_bytes(pack(program.read_bytes(), program.name, reference))


def _tar(content: dict[str, bytes], mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _described(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": f"{_MEDIA}.{kind}", "digest": _digest(blob), "size": len(blob)}
