"""Which Debian packages does a layer consist of, and how do they get here? An apt of our own.

The host's apt is asked where the archive is and how to reach it; its state is neither read nor
changed. Signatures are checked against the host's copy of Debian's keyring, packages against the
hashes that the signed index names.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from ouranos.images import dependencies, processes
from ouranos.images.processes import Job, Patience
from ouranos.kit import conditions, errors

KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

DEFAULT_ARCHIVE: Final = "http://deb.debian.org/debian"
DEFAULT_SECURITY: Final = "http://deb.debian.org/debian-security"
"""Debian's own addresses, for hosts whose sources name none."""

_HELPER: Final = "/usr/lib/apt/apt-helper"
_FRESH: Final = 600
"""Seconds for which an index is not asked for again."""

_URI: Final = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>\w{64})")


_INDEX: Final = re.compile(r"'(?P<address>[^']+)/dists/(?P<suite>[^/']+)/InRelease' ")


class Package(NamedTuple):
    """A package file of the archive."""

    name: str
    version: str
    uri: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Where Debian is fetched from."""

    main: str = DEFAULT_ARCHIVE
    security: str = DEFAULT_SECURITY


async def host_archive(patience: Patience) -> Archive:
    """Return the archive that the host's own sources name, or Debian's own."""
    codename = await asyncio.to_thread(_codename)
    if codename is None:
        return Archive()
    addresses = await processes.run(
        ["apt-get", "update", "--print-uris"], Job("reading the host's package sources", patience)
    )
    return archive_of(addresses.decode(), codename)


def _codename() -> str | None:
    """Return the name of the host's Debian; None if it is another system."""
    try:
        content = Path("/etc/os-release").read_text("utf-8")
    except FileNotFoundError:
        return None
    release = dict(line.split("=", 1) for line in content.splitlines() if "=" in line)
    name = release.get("VERSION_CODENAME", "").strip('"')
    return name or None if release.get("ID") == "debian" else None


def archive_of(addresses: str, codename: str) -> Archive:
    """Return the archive among the host's sources.

    Args:
        addresses: What `apt-get update --print-uris` writes.
        codename: Of the host's Debian.
    """
    found: dict[str, list[str]] = {}
    for match in map(_INDEX.match, addresses.splitlines()):
        if match is not None:
            found.setdefault(match["suite"], []).append(match["address"])
    # Others name suites like Debian's, but only Debian has its updates.
    named = found.get(codename, [])
    updated = [address for address in named if address in found.get(f"{codename}-updates", [])]
    main = [*updated, *(named if len(named) == 1 else []), DEFAULT_ARCHIVE]
    return Archive(main[0], [*found.get(f"{codename}-security", []), DEFAULT_SECURITY][0])


class Universe:
    """Packages that fit together, and what each needs."""

    def __init__(self, packages: Mapping[str, Package], graph: dependencies.Graph) -> None:
        self._packages = packages
        self._graph = graph

    def closure(self, names: Iterable[str], absent: Iterable[str]) -> list[Package]:
        """Return these packages and what they need, sorted; without those that count as there."""
        return [self._packages[name] for name in self._graph.closure(names, absent)]


class Apt:
    """The packages of one Debian suite, below a directory of its own."""

    def __init__(self, directory: Path, suite: str, patience: Patience, archive: Archive) -> None:
        self._directory = directory
        self._suite = suite
        self.patience = patience
        self._archive = archive
        self._updating = asyncio.Lock()

    async def _apt(self, what: str, *arguments: str, watched: Path | None = None) -> str:
        output = await processes.run(
            arguments,
            Job(what, self.patience, None if watched is None else lambda: _bytes_below(watched)),
            env={
                "APT_CONFIG": str(self._directory / "apt.conf"),
                "DEBIAN_FRONTEND": "noninteractive",
            },
        )
        return output.decode("utf-8", "replace")

    async def update(self) -> None:
        """Fetch the archive's index, unless that was done a moment ago.

        Raises:
            Transient: The archive does not answer, or its signature is not Debian's.
            Terminal: The host lacks Debian's keyring.
        """
        async with self._updating:
            stamp = self._directory / "updated"
            with contextlib.suppress(FileNotFoundError):
                if 0 <= time.time() - stamp.stat().st_mtime < _FRESH:
                    return
            await self._configure()
            lists = self._directory / "lists"
            await self._apt(
                f"fetching the package index of {self._suite} from {self._archive.main}",
                *("apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"),
                watched=lists,
            )
            stamp.touch()

    def stale(self) -> None:
        """Have the index fetched again at the next chance: a package was not as it says."""
        (self._directory / "updated").unlink(missing_ok=True)

    async def _configure(self) -> None:
        if not KEYRING.is_file():
            raise errors.Terminal(
                conditions.Reason.UNRECOVERABLE,
                f"{KEYRING} is missing: install the package debian-archive-keyring",
            )
        reach = await processes.run(
            ["apt-config", "dump", "Acquire"], Job("reading the host's apt settings", self.patience)
        )
        directory = self._directory
        for folder in ("lists/partial", "none/partial", "etc/preferences.d"):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        (directory / "apt.conf").write_text(settings(directory, reach.decode(), self.patience))
        signed = f"deb [signed-by={KEYRING}]"
        (directory / "sources.list").write_text(
            f"{signed} {self._archive.main} {self._suite} main\n"
            f"{signed} {self._archive.main} {self._suite}-updates main\n"
            f"{signed} {self._archive.security} {self._suite}-security main\n"
        )

    async def resolve(self, names: Iterable[str], absent: Sequence[str]) -> Universe:
        """Return these packages with all that they depend on.

        Args:
            names: Of packages.
            absent: Names that count as installed, and with them what only they need.

        Raises:
            Transient: apt finds no set of packages that fits together.
        """
        status = self._status(absent)
        answer = await self._apt(
            "choosing packages",
            *("apt-get", "-qq", "-y", "--print-uris", "-o", f"Dir::State::status={status}"),
            *("install", *sorted(set(names))),
        )
        found = {
            name: Package(name, unquote(version), match["uri"], int(match["size"]), match["sha256"])
            for match in map(_URI.fullmatch, map(str.strip, answer.splitlines()))
            if match is not None
            for name, version, _ in [match["file"].split("_")]
        }
        described = await self._apt(
            "reading about packages",
            *("apt-cache", "show", "--no-all-versions"),
            *(f"{package.name}={package.version}" for package in found.values()),
        )
        return Universe(found, dependencies.parse(described))

    def _status(self, absent: Sequence[str]) -> Path:
        """Return a file that tells apt what counts as installed."""
        text = "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n"
            "Multi-Arch: allowed\nVersion: 999:0\nMaintainer: nobody\nDescription: not needed\n\n"
            for name in sorted(absent)
        )
        path = self._directory / f"status-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if not path.exists():
            path.write_text(text)
        return path

    async def fetch(self, packages: Sequence[Package], to: Path, scratch: Path) -> None:
        """Put the packages' files there, named after their hashes; those that are there stay.

        Raises:
            Transient: The archive does not answer, or a file is not what the index says.
        """
        missing = [package for package in packages if not file_of(package, to).exists()]
        if not missing:
            return
        arguments: list[str] = []
        for package in missing:
            arguments += [package.uri, str(file_of(package, scratch)), f"SHA256:{package.sha256}"]
        size = sum(package.size for package in missing) / 1e6
        what = f"fetching {len(missing)} packages ({size:.0f} MB) from {self._archive.main}"
        try:
            await self._apt(what, _HELPER, "-qq", "download-file", *arguments, watched=scratch)
        except errors.Transient:
            self.stale()
            # Those that came whole before the failure need not come again.
            whole = await asyncio.to_thread(_whole, missing, scratch)
            self._keep(whole, scratch, to)
            raise
        self._keep(missing, scratch, to)

    @staticmethod
    def _keep(packages: Iterable[Package], scratch: Path, to: Path) -> None:
        for package in packages:
            file_of(package, scratch).replace(file_of(package, to))


def _whole(packages: Iterable[Package], directory: Path) -> list[Package]:
    """Return those whose files are there, and are what the index says."""
    return [package for package in packages if is_whole(package, file_of(package, directory))]


def discard_broken(packages: Iterable[Package], directory: Path) -> None:
    """Remove files that are not what the index says: cut short by a crash of the machine."""
    for package in packages:
        file = file_of(package, directory)
        if not is_whole(package, file):
            file.unlink(missing_ok=True)


def is_whole(package: Package, file: Path) -> bool:
    """Whether a file is the package's, to the last byte."""
    try:
        if file.stat().st_size != package.size:
            return False
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == package.sha256
    except FileNotFoundError:
        return False


def file_of(package: Package, directory: Path) -> Path:
    """Return where a package's file is, or will be, in this directory."""
    return directory / f"{package.sha256}.deb"


def settings(directory: Path, reach: str, patience: Patience) -> str:
    """Return an apt.conf that shares nothing with the host but how to reach archives."""
    own = {
        "Dir": f"{directory}/",
        "Dir::Etc": f"{directory}/etc/",
        "Dir::Etc::sourcelist": f"{directory}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::trusted": "/dev/null",
        "Dir::Etc::trustedparts": "/dev/null",
        "Dir::Etc::netrc": "/etc/apt/auth.conf",
        "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
        "Dir::State": f"{directory}/",
        "Dir::State::lists": "lists/",
        "Dir::Cache": f"{directory}/",
        # apt names the address of a package only where its cache lacks the file: it lacks all.
        "Dir::Cache::archives": "none/",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::ForceHash": "SHA256",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": f"{patience.stall / 2:.0f}",
        "Acquire::https::Timeout": f"{patience.stall / 2:.0f}",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    lines = [line for line in reach.splitlines() if line.startswith("Acquire::")]
    return "\n".join([*lines, *(f'{name} "{value}";' for name, value in own.items()), ""])


def _bytes_below(directory: Path) -> int:
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).stat().st_size
    return total
