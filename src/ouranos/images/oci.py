"""How do packed layers become images that others read? An OCI image layout: blobs and a list.

Written here rather than by umoci, which compresses a layer again for each image that has it; see
docs/adr/0018-images.md. https://github.com/opencontainers/image-spec says what the words mean.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from ouranos.images import definition, tree
from ouranos.images.packing import Packed
from ouranos.kit import conditions, errors

_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"

_NAME: Final = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME: Final = "io.containerd.image.name"

CREATED: Final = datetime.fromtimestamp(tree.MOMENT, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
"""When every image says that it was made: the moment does not decide what is in it."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a layout."""

    reference: str
    digest: str
    """Of its manifest."""
    size: int
    """Of its manifest, in bytes."""


def configuration(
    image: definition.Image, layers: Mapping[str, Packed], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a container of the image is made with.

    Args:
        image: Its definition.
        layers: By what each is for, lowest first.
        labels: Of the image.
    """
    config: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in sorted(image.env.items())],
        "Labels": dict(labels),
    }
    if image.user:
        config["User"] = f"{image.user}:{image.user}"
    if image.command:
        config["Entrypoint"] = list(image.command)
    return {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers.values()]},
        "history": [{"created": CREATED, "created_by": f"ouranos: {name}"} for name in layers],
    }


class Layout:
    """A folder with images, as skopeo, umoci and others read it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs/sha256"
        self._alone = threading.Lock()  # images are added by threads, and share layers

    def blob(self, digest: str) -> Path:
        """Return where the content of this digest is, or will be."""
        return self._blobs / digest.removeprefix("sha256:")

    def images(self) -> dict[str, Image]:
        """Return the images by their references, sorted; none where there is no layout.

        Raises:
            Terminal: Somebody else's layout is there.
        """
        path = self.root / "index.json"
        try:
            listed = json.loads(path.read_text("ascii"))["manifests"]
            found = [
                Image(each["annotations"][_NAME], each["digest"], each["size"]) for each in listed
            ]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise errors.Terminal(
                conditions.Reason.INVALID_SPEC, f"{path} is not a list that Ouranos wrote"
            ) from error
        return {image.reference: image for image in found}

    def add(self, reference: str, config: Mapping[str, Any], layers: Sequence[Packed]) -> Image:
        """Put an image's blobs into the layout; it is in the list when `publish` was called."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        described = self._put(config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": described.digest, "size": described.size},
            "layers": [
                {"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}
                for layer in layers
            ],
        }
        with self._alone:
            for layer in layers:
                self._take(layer)
        made = self._put(manifest)
        return Image(reference, made.digest, made.size)

    def publish(self, images: Iterable[Image]) -> None:
        """List these images, in the place of those of the same name; drop what nobody needs.

        An earlier image of which something is gone is dropped too.
        """
        known = {**self.images(), **{image.reference: image for image in images}}
        whole = {name: known[name] for name in sorted(known) if self._is_whole(known[name])}
        _list(self.root, whole)
        needed = {digest for image in whole.values() for digest in self._needs(image)}
        # While somebody sends images, what was theirs stays; the next time it goes.
        with contextlib.suppress(BlockingIOError), self.kept(fcntl.LOCK_EX | fcntl.LOCK_NB):
            for blob in self._blobs.iterdir():
                if f"sha256:{blob.name}" not in needed:
                    blob.unlink()

    @contextlib.contextmanager
    def kept(self, operation: int = fcntl.LOCK_SH) -> Generator[None]:
        """Have nobody remove blobs meanwhile."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(folder, operation)
            yield
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def only(self, image: Image) -> Generator[Path]:
        """Lend a layout that has this image whatever is published meanwhile.

        Its path has no colon, at which other programs end it.
        """
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _list(root, {image.reference: image})
            (root / "blobs").symlink_to(self.root.absolute() / "blobs")
            yield root

    def archive(self, names: Mapping[str, str], to: IO[bytes]) -> None:
        """Write images into one archive, which containerd and skopeo take.

        Args:
            names: Of the images in the archive, each with its reference in this layout.
            to: What it is written to; it need not be a file.
        """
        images = self.images()
        chosen = {name: images[reference] for name, reference in names.items()}
        needed = {digest for image in chosen.values() for digest in self._needs(image)}
        with tarfile.open(fileobj=to, mode="w|", format=tarfile.PAX_FORMAT) as target:
            _entry(target, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _entry(target, "index.json", _index(chosen))
            for digest in sorted(needed):
                path = self.blob(digest)
                with path.open("rb") as content:
                    target.addfile(
                        _header(f"blobs/sha256/{path.name}", path.stat().st_size), content
                    )

    def size(self, image: Image) -> int:
        """Return what a registry keeps of an image, in bytes."""
        return sum(self.blob(digest).stat().st_size for digest in self._needs(image))

    def layers(self, image: Image) -> list[str]:
        """Return the digests of an image's layers, lowest first."""
        manifest = json.loads(self.blob(image.digest).read_text("ascii"))
        return [layer["digest"] for layer in manifest["layers"]]

    def _is_whole(self, image: Image) -> bool:
        try:
            return all(self.blob(digest).exists() for digest in self._needs(image))
        except FileNotFoundError:
            return False

    def _needs(self, image: Image) -> set[str]:
        manifest = json.loads(self.blob(image.digest).read_text("ascii"))
        layers = {layer["digest"] for layer in manifest["layers"]}
        return {image.digest, manifest["config"]["digest"], *layers}

    def _put(self, value: Mapping[str, Any]) -> Image:
        content = _json(value)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        _write(self.blob(digest), content)
        return Image("", digest, len(content))

    def _take(self, layer: Packed) -> None:
        """Have a layer's file under its digest: the same file, where both are on one disk."""
        place = self.blob(layer.digest)
        if place.exists() and place.stat().st_size == layer.size:
            return
        new = place.with_suffix(".new")
        new.unlink(missing_ok=True)
        try:
            os.link(layer.file, new)
        except OSError:
            shutil.copyfile(layer.file, new)
            with new.open("rb") as copy:
                os.fsync(copy.fileno())
        new.replace(place)


def _list(root: Path, images: Mapping[str, Image]) -> None:
    _write(root / "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    _write(root / "index.json", _index(images))


def _index(images: Mapping[str, Image]) -> bytes:
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": _INDEX,
            "manifests": [
                {
                    "mediaType": _MANIFEST,
                    "digest": image.digest,
                    "size": image.size,
                    "platform": {"architecture": "amd64", "os": "linux"},
                    "annotations": {_NAME: name, _CONTAINERD_NAME: name},
                }
                for name, image in images.items()
            ],
        }
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


def _write(path: Path, content: bytes) -> None:
    """Write a file that is either there, whole and on the disk, or not."""
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, tree.MOMENT, 0o644
    return header


def _entry(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_header(name, len(content)), io.BytesIO(content))
