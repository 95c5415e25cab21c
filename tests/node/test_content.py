"""What containers find in their environment, their volumes and their /etc/hosts."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from node_builders import container, pod

from ouranos.engine import quantities
from ouranos.engine.node import (
    environment,
    hosts,
    lookups,
    payloads,
    references,
    writer,
)
from ouranos.kit import kinds, objects

AROUND = environment.Surroundings("n", "10.0.0.2", {"cpu": "4", "memory": "8Gi"})


def held(**found: dict[str, Any]) -> lookups.Lookups:
    def find(kind: objects.Kind, namespace: str, name: str) -> objects.Object | None:
        content = found.get(name)
        return None if content is None else {"kind": kind.kind, **content}

    return lookups.Lookups(find, "home")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(B)", "$(B)"),
        ("$(A", "$(A"),
        ("a$", "a$"),
        ("$$", "$"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert environment.expand(text, {"A": "1"}) == expected


def test_the_environment_is_the_images_then_the_pods() -> None:
    own = container(
        envFrom=[{"prefix": "X_", "configMapRef": {"name": "c"}}],
        env=[
            {"name": "PATH", "value": "/opt:$(PATH)"},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {
                "name": "NONE",
                "valueFrom": {"secretKeyRef": {"name": "t", "key": "k", "optional": True}},
            },
            {
                "name": "MEMORY",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
            },
        ],
    )
    secret = {"data": {"k": base64.b64encode(b"word").decode()}}
    found = environment.build(
        pod(own),
        own,
        {"PATH": "/bin"},
        AROUND,
        held(c={"data": {"a": "1", "not ok": "2"}}, s=secret),
    )
    assert found == {"PATH": "/opt:/bin", "X_a": "1", "S": "word", "MEMORY": "8192"}


def test_what_is_missing_is_named() -> None:
    own = container(env=[{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])
    with pytest.raises(lookups.Missing, match='secret "s" not found'):
        environment.build(pod(own), own, {}, AROUND, held())
    with pytest.raises(lookups.Missing, match="key k in Secret home/s"):
        environment.build(pod(own), own, {}, AROUND, held(s={"data": {}}))


def test_a_path_that_leads_out_of_a_volume_is_refused() -> None:
    volume = {"configMap": {"name": "c", "items": [{"key": "a", "path": "../a"}]}}
    with pytest.raises(lookups.Missing):
        payloads.build(volume, pod(), AROUND, held(c={"data": {"a": "1"}}))


def test_a_volume_changes_as_a_whole(tmp_path: Path) -> None:
    first = {"a": payloads.File(b"1", 0o644), "d/b": payloads.File(b"1", 0o400)}
    assert writer.write(tmp_path, first, None)
    assert not writer.write(tmp_path, first, None)
    (before,) = [one for one in tmp_path.iterdir() if one.is_dir() and not one.is_symlink()]
    assert writer.write(tmp_path, {"d/b": payloads.File(b"2", 0o400)}, None)
    assert not before.exists()
    assert sorted(one.name for one in tmp_path.iterdir() if not one.name.startswith("..")) == ["d"]
    assert (tmp_path / "d/b").read_bytes() == b"2"
    assert (tmp_path / "d/b").stat().st_mode & 0o777 == 0o400


def test_names_of_services() -> None:
    def service(name: str, namespace: str, address: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace}
        return {"metadata": metadata, "spec": {"clusterIP": address}}

    services = [service("mariadb", "home", "10.0.0.2"), service("x", "other", "10.0.0.3")]
    services.append(service("headless", "home", "None"))
    labels = {"kubernetes.io/service-name": "headless"}
    slices = [
        {
            "metadata": {"name": "s", "namespace": "home", "labels": labels},
            "endpoints": [
                {"hostname": "db-0", "addresses": ["10.0.0.9"]},
                {"addresses": ["1.1.1.1"]},
            ],
        }
    ]
    lines = hosts.text(pod(subdomain="headless"), "p", "10.0.0.2", services, slices).splitlines()
    assert "10.0.0.2\tp.headless.home.svc.cluster.local p" in lines
    full = "10.0.0.2\tmariadb mariadb.home mariadb.home.svc mariadb.home.svc.cluster.local"
    assert full in lines
    assert "10.0.0.3\tx.other x.other.svc x.other.svc.cluster.local" in lines
    assert any(line.startswith("10.0.0.9\tdb-0.headless ") for line in lines)


def test_a_hosts_file_is_changed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    assert hosts.write(path, "a long first text\n")
    before = path.stat().st_ino
    assert hosts.write(path, "short\n")
    assert not hosts.write(path, "short\n")
    assert (path.read_text(), path.stat().st_ino) == ("short\n", before)


def test_host_names() -> None:
    assert hosts.host_name(pod(), "n") == "p"
    assert hosts.host_name(pod(hostname="h"), "n") == "h"
    assert hosts.host_name(pod(hostNetwork=True), "n") == "n"


def test_references_of_a_pod() -> None:
    told = pod(
        container(envFrom=[{"secretRef": {"name": "a"}}]),
        volumes=[
            {"name": "v", "secret": {"secretName": "b"}},
            {"name": "w", "projected": {"sources": [{"configMap": {"name": "c"}}]}},
        ],
    )
    assert references.of(told) == {
        (kinds.SECRET.kind, "a"),
        (kinds.SECRET.kind, "b"),
        (kinds.CONFIG_MAP.kind, "c"),
    }


@pytest.mark.parametrize(
    ("text", "milli"),
    [("1", 1000), ("500m", 500), ("0.1", 100), ("1k", 1_000_000), ("1e3", 1_000_000)],
)
def test_quantities(text: str, milli: int) -> None:
    assert quantities.milli(text) == milli


@given(some.integers(0, 1 << 50))
def test_a_number_is_its_own_quantity(number: int) -> None:
    assert quantities.whole(number) == number
    assert quantities.whole(f"{number}Ki") == number * 1024
