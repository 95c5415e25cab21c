"""What compiles the modules of a layer? A script that the image's own Python runs.

It needs nothing but the standard library. The bytecode names each file as the image will see it,
and is not checked against its source at import: a layer never changes, but the tools that move
layers about change times.
"""

import gc
import importlib.util
import marshal
import sys
from pathlib import Path

_UNCHECKED = (1).to_bytes(4, "little")
"""PEP 552: the source's hash is there, and is not compared."""


def compiled(source: bytes, name: str) -> bytes | None:
    """Return the content of the .pyc of a module; None if this Python cannot compile it."""
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        # Templates and samples for other versions lie among the modules.
        return None
    head = importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source)
    return head + marshal.dumps(code)


def main() -> None:
    """Compile the files that standard input names, relative to the tree given as argument."""
    gc.disable()
    root = Path(sys.argv[1])
    folders: set[Path] = set()
    for line in sys.stdin.read().splitlines():
        path = root / line
        content = compiled(path.read_bytes(), f"/{line}")
        if content is None:
            continue
        folder = path.parent / "__pycache__"
        if folder not in folders:
            folder.mkdir(exist_ok=True)
            folders.add(folder)
        place = folder / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
        place.write_bytes(content)
    gc.enable()


if __name__ == "__main__":
    main()
