"""What is in an image, for those who ask which of their images a vulnerability concerns?

A bill of materials in CycloneDX's words, and the locks from which the image was made, as files of
the image's topmost layer.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ouranos.images import environment, tree
from ouranos.images.ledger import Content
from ouranos.kit.objects import Object

FOLDER: Final = "usr/share/ouranos"
BILL: Final = f"{FOLDER}/bill-of-materials.json"
DEBIAN_LOCK: Final = f"{FOLDER}/debian.lock"
PYTHON_LOCK: Final = f"{FOLDER}/packages.lock"

_NAMESPACE: Final = uuid.UUID("0e1a9f3c-6a0d-5c1e-9d53-5d1f1c0f5a20")
_LOCKED: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:(\w{64})")


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What an image was made from."""

    name: str
    version: str
    suite: str
    """Of Debian, by its code name."""
    debian: tuple[Content, ...]
    """Debian packages of all layers."""
    locked: environment.Locked | None = None
    """The Python packages, where the image has any."""
    python: tuple[tuple[str, str], ...] = ()
    """Names and versions of the Python packages that are installed."""


def installed(modules: Path) -> tuple[tuple[str, str], ...]:
    """Return the names and versions of the Python packages in a folder of modules, sorted."""
    found = metadata.distributions(path=[str(modules)])
    return tuple(sorted({(each.metadata["Name"], each.version) for each in found}))


def hashes(lock: str) -> dict[str, list[str]]:
    """Return the hashes of the files that a lock admits for each package, by its plain name."""
    found = list(_LOCKED.finditer(lock))
    ends = [*(match.start() for match in found[1:]), len(lock)]
    return {
        _plain(match["name"]): sorted(_HASH.findall(lock[match.end() : end]))
        for match, end in zip(found, ends, strict=True)
    }


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files(image: Ingredients) -> dict[str, str]:
    """Return the files of the topmost layer: path below the root to text."""
    texts = {
        BILL: written(image),
        DEBIAN_LOCK: "".join(
            f"{package.name}={package.version} sha256:{package.sha256}\n"
            for package in _debian(image.debian)
        ),
    }
    if image.locked is not None:
        texts[PYTHON_LOCK] = image.locked.lock
    return texts


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write files into a layer's tree."""
    for path, text in texts.items():
        tree.text(root, path, text)
    tree.settle(root, files=True)


def written(image: Ingredients) -> str:
    """Return the bill of materials of an image: the same text for the same ingredients."""
    parts = [*_debian_parts(image), *_python_parts(image)]
    whole = {"type": "container", "bom-ref": "image", "name": image.name, "version": image.version}
    said = json.dumps([whole, parts], sort_keys=True)
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_NAMESPACE, said).urn,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(tree.MOMENT, UTC).isoformat(),
            "component": whole,
        },
        "components": parts,
        "dependencies": [{"ref": "image", "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    return json.dumps(bill, indent=1, ensure_ascii=True) + "\n"


def _debian(packages: Iterable[Content]) -> list[Content]:
    return sorted(set(packages))


def _debian_parts(image: Ingredients) -> Iterator[Object]:
    for package in _debian(image.debian):
        url = f"{_purl('deb/debian', package.name, package.version)}?distro={image.suite}"
        # The one file that it came from.
        yield {
            **_part(package.name, package.version, url),
            "purl": url,
            "hashes": [_sha256(package.sha256)],
        }


def _python_parts(image: Ingredients) -> Iterator[Object]:
    admitted = hashes(image.locked.lock) if image.locked is not None else {}
    for name, version in image.python:
        plain = _plain(name)
        if plain not in admitted:
            # Ouranos' own: no index has them.
            yield _part(plain, version, f"own:{plain}@{version}")
            continue
        url = _purl("pypi", plain, version)
        # It came from one of several files, of which each is for another machine.
        source = {
            "type": "distribution",
            "url": f"https://pypi.org/project/{plain}/{version}/",
            "hashes": [_sha256(content) for content in admitted[plain]],
        }
        yield {**_part(plain, version, url), "purl": url, "externalReferences": [source]}


def _part(name: str, version: str, reference: str) -> Object:
    return {"type": "library", "bom-ref": reference, "name": name, "version": version}


def _sha256(content: str) -> Object:
    return {"alg": "SHA-256", "content": content}


def _purl(kind: str, name: str, version: str) -> str:
    """Return what names a package among all of the world: https://github.com/package-url."""
    return f"pkg:{kind}/{quote(name, safe='')}@{quote(version, safe=':')}"
