"""How long does it take to realise images? `python -m ouranos.images [--root DIR] [NAME…]`."""

import argparse
import asyncio
import os
import resource
import sys
import time
from pathlib import Path

from ouranos.images import catalog, store
from ouranos.kit import errors

_RELEASE = "2026.2"


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


async def _realise(root: Path, names: list[str], release: str) -> None:
    begun = time.monotonic()

    def tell(progress: store.Progress) -> None:
        sys.stderr.write(
            f"{time.monotonic() - begun:6.2f} s  {_cpu():6.2f} CPU-s  {progress.image:10}"
            f" {progress.done}/{progress.total}  {progress.step}\n"
        )

    images = store.ImageStore(root, progress=tell)
    references = {catalog.reference(name, release): name for name in names}
    try:
        for reference, realised in (await images.ensure_all(references)).items():
            lowers = ":".join(str(layer) for layer in reversed(realised.layers))
            sys.stdout.write(f"{references[reference]} {realised.digest} {lowers}\n")
        sys.stderr.write(f"{time.monotonic() - begun:6.2f} s  {_cpu():6.2f} CPU-s  all\n")
    finally:
        await images.close()


def main() -> int:
    """Realise the named images, or all, and print their layers."""
    parser = argparse.ArgumentParser(prog="python -m ouranos.images", description=__doc__)
    default = Path(os.environ.get("OURANOS_ROOT", "/var/lib/ouranos")) / "images"
    parser.add_argument("--root", type=Path, default=default)
    parser.add_argument("--release", default=_RELEASE)
    parser.add_argument("names", nargs="*", choices=[[], *catalog.ALL], default=[])
    options = parser.parse_args()
    try:
        asyncio.run(_realise(options.root, options.names or list(catalog.ALL), options.release))
    except errors.OuranosError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
