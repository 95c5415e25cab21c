"""How do Ouranos' own modules get into an image? As source, where its Python looks for them."""

import hashlib
import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Final

from ouranos.images import tree
from ouranos.kit import conditions, errors

ENVIRONMENTS: Final = {"ouranos_runtime": "openstack", "ouranos": "ouranos"}
"""Which package lies in which environment."""


def source(package: str) -> Path:
    """Return the folder of a package's modules.

    Raises:
        Terminal: The installation lacks them.
    """
    found = importlib.util.find_spec(package)
    if found is not None and found.submodule_search_locations:
        return Path(found.submodule_search_locations[0])
    checkout = Path(__file__).parents[3] / "runtime/src" / package
    if not checkout.is_dir():
        raise errors.Terminal(
            conditions.Reason.UNRECOVERABLE,
            f"the package {package.replace('_', '-')} is not installed",
        )
    return checkout


def files(folder: Path) -> list[Path]:
    """Return the files of a package, relative to its folder, sorted; without bytecode."""
    # Nor what bytecode is called before it is whole: another process may be starting.
    return sorted(
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    )


def fingerprint(package: str) -> list[tuple[str, str]]:
    """Return the name and the hash of every file that is installed."""
    folder = source(package)
    contents = {str(path): (folder / path).read_bytes() for path in files(folder)}
    contents["version"] = metadata.version("ouranos").encode()
    return [(path, hashlib.sha256(content).hexdigest()) for path, content in contents.items()]


def install(package: str, root: Path, modules: str) -> None:
    """Put a package's modules into a layer's tree, below the folder of modules."""
    folder = source(package)
    for path in files(folder):
        tree.file(root, f"{modules}/{package}/{path}", (folder / path).read_bytes())
    # The command, the metrics and the bill of materials say which version they are.
    version = metadata.version("ouranos")
    tree.text(
        root,
        f"{modules}/{package}-{version}.dist-info/METADATA",
        f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: {version}\n",
    )
    tree.settle(root, files=True)
