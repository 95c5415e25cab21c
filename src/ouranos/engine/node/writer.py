"""How does a volume of files change without ever being half old? As a kubelet does it.

    volume/..2026_11_21_f3a1/key     the files
    volume/..data -> ..2026_11_21_f3a1
    volume/key -> ..data/key

A new content is a new folder; renaming one symbolic link shows all of it at once.
"""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from ouranos.engine.node import payloads

_DATA: Final = "..data"
_GROUP_READS: Final = 0o440


def write(folder: Path, payload: payloads.Payload, group: int | None) -> bool:
    """Make the folder show the payload; False when it already did."""
    changed = _current(folder) != {path: _file(file, group) for path, file in payload.items()}
    if changed:
        _write(folder, payload, group)
    # Also where an earlier call has not come so far.
    _show(folder, {path.partition("/")[0] for path in payload})
    shown = (folder / _DATA).readlink().name
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and entry.name != shown:
            shutil.rmtree(entry)
    return changed


def _write(folder: Path, payload: payloads.Payload, group: int | None) -> None:
    fresh = folder / f"..{secrets.token_hex(8)}"
    _make_folder(fresh, group)
    for path, file in payload.items():
        target = fresh / path
        for parent in reversed(target.relative_to(fresh).parents[:-1]):
            _make_folder(fresh / parent, group)
        target.write_bytes(file.content)
        os.chown(target, -1, -1 if group is None else group)
        target.chmod(_file(file, group).mode)
    link = folder / f"{_DATA}_new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.rename(folder / _DATA)


def _file(file: payloads.File, group: int | None) -> payloads.File:
    return file if group is None else file._replace(mode=file.mode | _GROUP_READS)


def _make_folder(folder: Path, group: int | None) -> None:
    if not folder.exists():
        folder.mkdir()
        os.chown(folder, -1, -1 if group is None else group)
        folder.chmod(0o755 if group is None else 0o2755)


def _show(folder: Path, names: set[str]) -> None:
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()
    for name in names:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")


def _current(folder: Path) -> payloads.Payload | None:
    data = folder / _DATA
    if not data.is_dir():
        return None
    found: payloads.Payload = {}
    for current, _, names in os.walk(data):
        for name in names:
            path = Path(current, name)
            mode = path.stat().st_mode & 0o7777
            found[str(path.relative_to(data))] = payloads.File(path.read_bytes(), mode)
    return found
