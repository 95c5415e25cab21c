"""Where one cloud keeps its things on this machine; all who touch its folder ask here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("/var/lib/ouranos")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?")


def root_from_environment() -> Path:
    """The folder that holds everything: `OURANOS_ROOT`, else /var/lib/ouranos."""
    return Path(os.environ.get("OURANOS_ROOT") or DEFAULT_ROOT).absolute()


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one cloud below the root folder."""

    root: Path
    cloud: str

    def __post_init__(self) -> None:
        """Refuse a name that could leave the folder.

        Raises:
            ValueError: the name is not a DNS label of at most 32 characters.
        """
        if not _NAME.fullmatch(self.cloud):
            raise ValueError(
                f"{self.cloud!r} is not a cloud's name: use a-z, 0-9 and '-', at most 32"
            )

    @property
    def images(self) -> Path:
        """Realised images, shared by all clouds of this machine."""
        return self.root / "images"

    @property
    def folder(self) -> Path:
        """Everything of this cloud; mode 0700."""
        return self.root / "clouds" / self.cloud

    @property
    def database(self) -> Path:
        """The embedded API's objects."""
        return self.folder / "api.db"

    @property
    def machine(self) -> Path:
        """What the daemon must know before it can read a Cloud object."""
        return self.folder / "machine.json"

    @property
    def tls(self) -> Path:
        """The API door's authority, certificate and key."""
        return self.folder / "tls"

    @property
    def token(self) -> Path:
        """The API door's bearer token; mode 0600."""
        return self.folder / "token"

    @property
    def kubeconfig(self) -> Path:
        """For kubectl; mode 0600."""
        return self.folder / "kubeconfig"

    @property
    def clouds_yaml(self) -> Path:
        """For OpenStack's clients; mode 0600."""
        return self.folder / "clouds.yaml"

    @property
    def node(self) -> Path:
        """The state of this machine's node."""
        return self.folder / "node"

    @property
    def operation_lock(self) -> Path:
        """Held by `up` and `down` while they change something."""
        return self.folder / "lock"

    @property
    def daemon_lock(self) -> Path:
        """Held by the daemon as long as it lives."""
        return self.folder / "daemon.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.folder / "supervisor.lock"

    @property
    def log(self) -> Path:
        """What the daemon says."""
        return self.folder / "daemon.log"

    def make_folder(self) -> None:
        """Create the cloud's folder, readable by root alone."""
        self.root.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)


def clouds(root: Path) -> Iterator[Paths]:
    """Each cloud that has a folder below `root`, by name."""
    folder = root / "clouds"
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if _NAME.fullmatch(entry.name) and entry.is_dir():
            yield Paths(root, entry.name)


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, readable by its owner alone.

    A reader sees the old or the new text, never a part, whenever we die.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
