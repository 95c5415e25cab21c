"""A range in use: refused before anything is changed; told while it lasts, and over by itself."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Generator

import pytest
from tests_cloud import eventually
from tests_trouble import MANAGEMENT, PUBLIC, Small, output

FOREIGN = "foreign22"


@contextlib.contextmanager
def stranger(*words: str) -> Generator[None]:
    """A link that is not ours, with an address or a route."""
    output("ip", "link", "add", FOREIGN, "type", "bridge")
    try:
        output("ip", "link", "set", FOREIGN, "up")
        output("ip", *words, "dev", FOREIGN)
        yield
    finally:
        subprocess.run(["ip", "link", "del", FOREIGN], check=True)


@pytest.mark.parametrize(
    ("words", "field", "wanted", "found"),
    [
        (("address", "add", "172.31.22.77/25"), "management", MANAGEMENT, "172.31.22.0/25"),
        (("route", "add", "172.24.22.64/26"), "public", PUBLIC, "172.24.22.64/26"),
        (("route", "add", "172.24.16.0/20"), "public", PUBLIC, "172.24.16.0/20"),
    ],
)
def test_a_range_in_use_is_refused_before_anything_is_changed(
    words: tuple[str, ...], field: str, wanted: str, found: str, small: Small
) -> None:
    with stranger(*words):
        before = output("ip", "-o", "-4", "address", "show", FOREIGN)
        said = f"spec.network.{field} {wanted} is in use: {found} is on the link {FOREIGN}"
        hint = f"choose another range for spec.network.{field} in the cloud's file"
        doctor = small.run("doctor", small.file)
        assert doctor.returncode == 1
        assert f"addresses: {said}\n  hint: {hint}\n" in doctor.stdout
        done = small.run("up", small.file)
        assert done.returncode == 1
        assert f"error: addresses: {said}\nhint: {hint}\n" in done.stderr
        assert output("ip", "-o", "-4", "address", "show", FOREIGN) == before
    assert small.left() == []
    assert list(small.root.iterdir()) == [small.images]


def test_a_range_that_is_taken_while_the_daemon_is_dead_or_the_cloud_is_down(small: Small) -> None:
    small.up()
    said = f"spec.network.management {MANAGEMENT} is in use: {MANAGEMENT} is on the link {FOREIGN}"
    hint = "remove that address or route; the cloud then goes on by itself"
    with stranger("address", "add", "172.31.22.77/24"):
        killed = small.kill_daemon()
        eventually(lambda: small.daemon() != killed, 60, "another daemon")
        code, state, told = eventually(lambda: lacking(small), 60, "a state that is not Ready")
        assert code == 1
        assert f"trouble: Not ready: {said}" in state or f"error: trouble: {said}" in told
        assert told.endswith(f"hint: {hint}")
        up = small.run("up", "--timeout", "4")
        assert up.returncode == 3
        assert f"{said} (hint: {hint})" in up.stderr
    small.wait_ready()
    assert "admin" in small.projects()
    assert small.bridge in output("ip", "route")

    assert small.run("down").returncode == 0
    with stranger("address", "add", "172.31.22.77/24"):
        refused = small.run("up")
        assert refused.returncode == 1
        assert f"is in use: {MANAGEMENT} is on the link {FOREIGN}" in refused.stderr
        assert small.status() == (
            1,
            "",
            "error: trouble: down\nhint: bring it up: ouranos up --cloud trouble",
        )


def lacking(small: Small) -> tuple[int, str, str] | None:
    found = small.status()
    return found if found[0] else None
