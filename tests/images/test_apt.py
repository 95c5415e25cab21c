import hashlib
from pathlib import Path

import pytest

from ouranos.images import apt
from ouranos.images.processes import Patience


def lines(*entries: tuple[str, str]) -> str:
    return "".join(
        f"'{address}/dists/{suite}/InRelease' some_name 0 \n" for address, suite in entries
    )


DEFAULT = apt.Archive(apt.DEFAULT_ARCHIVE, apt.DEFAULT_SECURITY)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        pytest.param("", DEFAULT, id="a host without sources uses Debian's own addresses"),
        pytest.param(
            lines(
                ("http://mirror/debian", "bookworm"),
                ("http://mirror/debian", "bookworm-updates"),
                ("http://mirror/security", "bookworm-security"),
            ),
            apt.Archive("http://mirror/debian", "http://mirror/security"),
            id="a mirror is used for both",
        ),
        pytest.param(
            lines(
                ("https://vendor/linux/debian", "bookworm"),
                ("http://mirror/debian", "bookworm"),
                ("http://mirror/debian", "bookworm-updates"),
            ),
            apt.Archive("http://mirror/debian", apt.DEFAULT_SECURITY),
            id="a vendor that names its suite like Debian's is not Debian",
        ),
        pytest.param(
            lines(("http://a/debian", "bookworm"), ("http://b/debian", "bookworm")),
            DEFAULT,
            id="what cannot be told apart is not used",
        ),
        pytest.param(
            lines(("http://mirror/debian", "bookworm"), ("http://mirror/other", "stable")),
            apt.Archive("http://mirror/debian", apt.DEFAULT_SECURITY),
            id="a mirror without updates is used",
        ),
        pytest.param("some words\n'nothing'\n", DEFAULT, id="other output is passed over"),
    ],
)
def test_the_archive_is_the_host_s(addresses: str, expected: apt.Archive) -> None:
    assert apt.archive_of(addresses, "bookworm") == expected


def test_only_the_ways_to_reach_archives_are_taken_over_from_the_host(tmp_path: Path) -> None:
    told = 'Acquire "";\nAcquire::http::Proxy "http://proxy:3128";\nDPkg::Post-Invoke:: "rm";\n'
    settings = apt.settings(tmp_path, told, Patience(stall=40))
    assert 'Acquire::http::Proxy "http://proxy:3128";' in settings
    assert "rm" not in settings.split('"')
    assert 'Acquire::http::Timeout "20";' in settings
    assert f'Dir::Etc::sourcelist "{tmp_path}/sources.list";' in settings


def test_a_package_file_is_named_after_its_hash(tmp_path: Path) -> None:
    package = apt.Package("bash", "5", "http://a/bash.deb", 1, "ab" * 32)
    assert apt.file_of(package, tmp_path) == tmp_path / ("ab" * 32 + ".deb")


async def test_what_is_there_is_not_fetched(tmp_path: Path) -> None:
    package = apt.Package("bash", "5", "http://nowhere.invalid/bash.deb", 1, "ab" * 32)
    apt.file_of(package, tmp_path).touch()
    sources = apt.Apt(tmp_path, "trixie", Patience(), apt.Archive())
    await sources.fetch([package], tmp_path, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        pytest.param(b"all of it", True, id="what the index says"),
        pytest.param(b"all of", False, id="the beginning of it"),
        pytest.param(b"all of IT", False, id="other bytes, as many"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_only_a_whole_package_is_kept(
    content: bytes | None, *, whole: bool, tmp_path: Path
) -> None:
    digest = hashlib.sha256(b"all of it").hexdigest()
    package = apt.Package("a", "1", "http://x/a.deb", 9, digest)
    file = apt.file_of(package, tmp_path)
    if content is not None:
        file.write_bytes(content)
    assert apt.is_whole(package, file) == whole
    apt.discard_broken([package], tmp_path)
    assert file.exists() == whole
