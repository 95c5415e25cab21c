"""Is Kubernetes compiled once, and never half?"""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from ouranos.lab import building, errors

COMPILER = """\
#!/bin/sh
if [ -e "$(dirname "$0")/old" ]; then echo "invalid go version '1.26.0'" >&2; exit 1; fi
if [ -e "$(dirname "$0")/old" ]; then echo "invalid go version '1.26.0'" >&2; exit 1; fi
if [ "$1" = env ]; then echo "$(dirname "$0")/disk/$2"; exit; fi
echo "$@" >>"$(dirname "$0")/calls"
while [ "$1" != -o ]; do shift; done
case $2 in */etcd) if [ -e "$(dirname "$0")/broken" ]; then echo no network >&2; exit 1; fi;; esac
echo "compiled" >"$2"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    compiler = tmp_path / "go"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    (tmp_path / "sources" / "coredns").mkdir(parents=True)
    (tmp_path / "sources" / "go.mod").write_text("module x\n")
    return tmp_path


async def _build(place: Path, told: list[str]) -> Path:
    return await building.ensure(
        place / "cache", told.append, sources=place / "sources", go=str(place / "go")
    )


async def test_what_was_compiled_is_not_compiled_again(place: Path) -> None:
    told: list[str] = []
    folder = await _build(place, told)
    names = {program.name for program in building.PROGRAMS}
    assert {path.name for path in folder.iterdir()} == {*names, "kubectl"}
    assert (folder / "kubectl").read_text() == "compiled\n"
    assert len(told) == len(names)
    calls = (place / "calls").read_text()
    assert "-mod=readonly" in calls
    assert f"gitVersion={building.VERSION}" in calls
    assert await _build(place, told) == folder
    assert (place / "calls").read_text() == calls


async def test_other_sources_are_another_build(place: Path) -> None:
    first = await _build(place, [])
    (place / "sources" / "go.mod").write_text("module y\n")
    assert await _build(place, []) != first
    assert first.is_dir(), "who goes back finds it still there"


async def test_a_compile_that_fails_leaves_nothing_that_looks_done(place: Path) -> None:
    (place / "broken").touch()
    with pytest.raises(errors.LabError, match="no network"):
        await _build(place, [])
    (place / "broken").unlink()
    folder = await _build(place, [])
    assert (folder / "etcd").exists()


async def test_words_about_the_sources_are_no_other_build(place: Path) -> None:
    first = await _build(place, [])
    (place / "sources" / "README.md").write_text("what this is\n")
    assert await _build(place, []) == first


def test_programs_report_the_version_that_they_are() -> None:
    modules = (building.SOURCES / "go.mod").read_text()
    assert f"k8s.io/kubernetes {building.VERSION}\n" in modules


def test_another_compiler_is_another_build(place: Path) -> None:
    sources = place / "sources"
    assert building.digest(sources, "go1.26") != building.digest(sources, "go1.27")


async def test_a_compiler_that_is_too_old_says_what_is_new_enough(place: Path) -> None:
    (place / "old").touch()
    with pytest.raises(errors.LabError, match=r"invalid go version '1.26.0'") as refused:
        await _build(place, [])
    assert refused.value.hint.startswith("install Go 1.26 or newer")
    assert not (place / "cache").exists()


async def test_a_compiler_that_is_too_old_hides_no_other(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = place / "old-go"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setattr(building, "_COMPILERS", ("no-such-go", str(old), str(place / "go")))
    folder = await building.ensure(place / "cache", print, sources=place / "sources")
    assert (folder / "etcd").exists()


@pytest.mark.parametrize("name", ["GOCACHE", "GOMODCACHE"])
async def test_the_disks_that_a_compile_fills_are_looked_at(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    full = place / "disk" / name
    full.mkdir(parents=True)

    def usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1 << (30 if path == full else 40))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(errors.LabError, match=f"{full} has 1024 MiB free") as refused:
        await _build(place, [])
    assert f"set {name} to" in refused.value.hint


async def test_without_sources_it_says_where_they_should_be(place: Path) -> None:
    with pytest.raises(errors.LabError, match="elsewhere is missing") as refused:
        await building.ensure(
            place / "cache", print, sources=place / "elsewhere", go=str(place / "go")
        )
    assert refused.value.hint
