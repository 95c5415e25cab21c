"""What does the node remember of a container, so that a new supervisor finds it again?

One small file per container, replaced as a whole. It is written before and after each step that
changes the machine, so a supervisor that dies between two steps leaves a record that says how far
it came.
"""

import os
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from ouranos.engine.node import config, identity, rootfs
from ouranos.kit import objects

_FILE = "record.json"
_POD = "pod.json"


class Phase(StrEnum):
    """How far a container has come."""

    CREATING = "creating"
    """It may have processes that the record does not name."""
    CREATED = "created"
    """Its init process waits for the order to start."""
    RUNNING = "running"
    EXITED = "exited"


class Role(StrEnum):
    """What a container is for."""

    WORLD = "world"
    """The node's own: it holds the namespaces."""
    SANDBOX = "sandbox"
    """A pod's own: it holds a PID namespace that its containers share."""
    INIT = "init"
    MAIN = "main"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to run one container."""

    id: str
    boot: str
    role: Role
    world: str = ""
    namespace: str = ""
    pod: str = ""
    uid: str = ""
    container: str = ""
    attempt: int = 0
    image: str = ""
    digest: str = ""
    backoff: float = 0.0
    """Seconds to wait, after this attempt has ended, before the next one."""
    phase: Phase = Phase.CREATING
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    cgroup: str = ""
    log: str = ""
    shares_processes: bool = False
    conmon: identity.Identity | None = None
    init: identity.Identity | None = None

    def but(self, **changes: object) -> "Record":
        """Return a copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs."""
        return self.phase is Phase.EXITED


def new_id() -> str:
    """Return a name that no other container ever had.

    A process that has it as an argument is ours.
    """
    return secrets.token_hex(32)


def now() -> datetime:
    """Return the time of day; what a container did is told in the machine's time."""
    return datetime.now(UTC)


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole: a reader sees the old content or the new."""
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def save(layout: config.Layout, record: Record) -> Record:
    """Write the record down, and return it."""
    folder = layout.container(record.id)
    folder.mkdir(mode=0o700, exist_ok=True)
    write(folder / _FILE, msgspec.json.encode(record))
    return record


def load(layout: config.Layout) -> list[Record]:
    """Return every record.

    A folder without one was made by a start that never happened, and goes; so does one whose
    record a power cut has left empty, for nothing runs after it.
    """
    found: list[Record] = []
    for folder in sorted(layout.containers.iterdir()) if layout.containers.exists() else ():
        content = _content(folder / _FILE)
        if content:
            found.append(msgspec.json.decode(content, type=Record))
        else:
            rootfs.discard(folder)
    return found


def save_pod(layout: config.Layout, pod: objects.Object) -> None:
    """Keep the pod as it was last seen, to end it orderly should its object have gone meanwhile."""
    folder = layout.pod(objects.uid_of(pod))
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    write(folder / _POD, msgspec.json.encode(pod))


def forget_pod(layout: config.Layout, uid: str) -> None:
    """Keep the pod no more, nor what is left of a try to write it."""
    for path in (layout.pod(uid) / _POD, _temporary(layout.pod(uid) / _POD)):
        path.unlink(missing_ok=True)


def load_pods(layout: config.Layout) -> dict[str, objects.Object]:
    """Return the pods that have left something here, by UID."""
    found: dict[str, objects.Object] = {}
    for folder in layout.pods.iterdir() if layout.pods.exists() else ():
        content = _content(folder / _POD)
        if content:
            found[folder.name] = msgspec.json.decode(content)
    return found


def _content(path: Path) -> bytes:
    """Return what is in a file; nothing where a power cut, or death, came before it was there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
