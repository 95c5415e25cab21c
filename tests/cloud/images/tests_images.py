"""What the tests of images share: a filled store, and ways to look into it."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ouranos.images import catalog, store

RELEASE = "2026.2"


class Filled:
    """A store with all images of the release, and the controllers'."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images: Mapping[str, store.Realised] = {}

    async def fill(self) -> None:
        images = store.ImageStore(self.root)
        references = {catalog.reference(name, RELEASE): name for name in catalog.ALL}
        found = await images.ensure_all(references)
        self.images = {references[reference]: image for reference, image in found.items()}
        await images.close()

    def run(self, image: str, script: str, mounts: str = ":") -> str:
        """Run a shell script in an image, in a mount namespace of its own."""
        layers = ":".join(map(str, reversed(self.images[image].layers)))
        outside = (
            "set -e; d=$(mktemp -d); mount -t tmpfs none $d; mkdir $d/up $d/work $d/root\n"
            f"options=lowerdir={layers},upperdir=$d/up,workdir=$d/work\n"
            "mount -t overlay -o $options overlay $d/root\n"
            "cd $d/root; mount -t proc proc proc; mount --rbind /dev dev\n"
            f'{mounts}; exec chroot . /bin/sh -euc "$0"'
        )
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", outside, script],
            env={**self.images[image].env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def content(tree: Path) -> dict[str, tuple[object, ...]]:
    """Return everything about every file of a tree that an image carries."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        stat = path.lstat()
        if path.is_symlink():
            inside = str(path.readlink())
        elif path.is_file():
            inside = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            inside = ""
        name = str(path.relative_to(tree))
        found[name] = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime, inside)
    return found
