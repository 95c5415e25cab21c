"""How are files written that a crash must not leave half done?"""

import os
from base64 import b64encode
from pathlib import Path


def write(path: Path, content: bytes | str, mode: int = 0o600) -> None:
    """Replace a file in one step; whoever reads it sees the old or the new content."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    draft.replace(path)


def base64(path: Path) -> str:
    """Return a file's content as Kubernetes writes bytes."""
    return b64encode(path.read_bytes()).decode()
