"""What is an address of a registry, and what is said when it refuses?"""

import os
from pathlib import Path

import pytest

from ouranos.images import oci, processes, registry
from ouranos.images.processes import Patience
from ouranos.kit import errors

LAYOUT = oci.Layout(Path("/nowhere"))
IMAGE = "ouranos.cloud/ovn:2026.2"

CREDENTIALS, NO_SPACE = "refuses these credentials", "has no space left"

SAID = {
    "speaks plain HTTP": 'pinging container registry 127.0.0.1:5: Get \\"https://127.0.0.1:5/v2/\\"'
    ": http: server gave HTTP response to HTTPS client",
    "does not answer": 'pinging container registry 127.0.0.1:1: Get \\"https://127.0.0.1:1/v2/\\": '
    "dial tcp 127.0.0.1:1: connect: connection refused",
    "has a certificate that nobody here trusts": 'pinging container registry r: Get \\"https://r/v2'
    '/\\": x509: certificate signed by unknown authority',
    CREDENTIALS: "reading manifest 2026.2 in r/ovn: unauthorized: authentication required",
    NO_SPACE: "writing blob: patch: write /data/x: no space left on device",
}


@pytest.mark.parametrize(
    "address",
    ["registry.example", "registry.example:5000", "localhost:5000/a/b-c", "[::1]:5000/cloud"],
)
def test_an_image_is_named_after_the_registry(address: str) -> None:
    assert registry.Registry(address, LAYOUT).name(IMAGE) == f"{address}/ovn:2026.2"


@pytest.mark.parametrize(
    "address",
    [
        *("", "https://registry.example", "registry.example/", "registry.example/Upper", "a b"),
        *("registry.example:port", "user:password@registry.example", "--help", "r/../x"),
    ],
)
def test_what_is_no_address_is_refused_before_anybody_is_asked(address: str) -> None:
    with pytest.raises(errors.Terminal, match=r"no registry: it is HOST\[:PORT\]\[/PATH\]"):
        registry.Registry(address, LAYOUT)


@pytest.mark.parametrize("trouble", SAID)
def test_a_refusal_says_which_of_the_known_troubles_it_is(trouble: str) -> None:
    said = f'time="2026-11-21T20:29:00Z" level=fatal msg="Error parsing: {SAID[trouble]}"'
    refusal = registry.Registry("r", LAYOUT).refusal(processes.Failed(f"pushing: {said}"))
    assert isinstance(refusal, registry.Refused)
    assert refusal.trouble == trouble
    assert str(refusal).startswith(f"the registry r {trouble}: ")
    assert "level=" not in str(refusal)


def test_an_unknown_trouble_is_told_as_it_is() -> None:
    failed = processes.Failed("pushing: something new")
    assert registry.Registry("r", LAYOUT).refusal(failed) is failed


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("pushing r:4031/ovn: received unexpected HTTP status: 503 Service Unavailable", None),
        ("copying layer sha256:9b401c03cc8a: received unexpected HTTP status: 502", None),
        ("reading manifest: invalid status code from registry 403 (Forbidden)", CREDENTIALS),
        ("received unexpected HTTP status: 401 Unauthorized", CREDENTIALS),
        ("pinging: StatusCode: 403", CREDENTIALS),
        ("writing blob: Patch /uploads/5f0a4034: denied: no space left on device", NO_SPACE),
    ],
)
def test_what_a_status_is_and_what_a_port_or_a_digest(said: str, trouble: str | None) -> None:
    refusal = registry.Registry("r", LAYOUT).refusal(processes.Failed(said))
    assert getattr(refusal, "trouble", None) == trouble


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's, in which programs are found before others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


async def test_whoever_may_push_pushes_though_he_may_not_look(programs: Path) -> None:
    script = f"""case "$*" in
    *inspect*) echo 'msg="reading manifest: denied: requested access is denied"' >&2; exit 1;;
    *copy*) echo "$*" > {programs}/copied;;
    esac"""
    program(programs, "skopeo", script)
    image = oci.Image(IMAGE, f"sha256:{'1' * 64}", 1)
    assert await registry.Registry("r/cloud", LAYOUT).push(image, Patience())
    assert (programs / "copied").read_text().endswith("docker://r/cloud/ovn:2026.2\n")


async def test_programs_that_give_credentials_are_those_of_the_user(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "story")
    program(programs, "docker-credential-story", 'echo "$AWS_PROFILE $LC_ALL"')
    program(programs, "skopeo", "exec docker-credential-story")
    said = await registry.Registry("r", LAYOUT).digest(IMAGE, Patience())
    assert said == "story C.UTF-8"


async def test_images_are_pushed_from_wherever_they_are(programs: Path) -> None:
    layout = oci.Layout(programs / "2026:11")
    layout.root.mkdir()
    script = """for word; do case "$word" in
    oci:*) folder=${word#oci:}; cat "${folder%%:*}/index.json" > "$(dirname "$0")/index";;
    esac; done"""
    program(programs, "skopeo", script)
    await registry.Registry("r", layout).push(oci.Image(IMAGE, "sha256:1", 1), Patience())
    assert IMAGE in (programs / "index").read_text()
