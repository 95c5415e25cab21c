"""What is an address of a registry, and what is said when it refuses?"""

from pathlib import Path

import pytest

from ouranos.images import oci, processes, registry
from ouranos.kit import errors

LAYOUT = oci.Layout(Path("/nowhere"))
IMAGE = "ouranos.cloud/ovn:2026.2"

SAID = {
    "speaks plain HTTP": 'pinging container registry 127.0.0.1:5: Get \\"https://127.0.0.1:5/v2/\\"'
    ": http: server gave HTTP response to HTTPS client",
    "does not answer": 'pinging container registry 127.0.0.1:1: Get \\"https://127.0.0.1:1/v2/\\": '
    "dial tcp 127.0.0.1:1: connect: connection refused",
    "has a certificate that nobody here trusts": 'pinging container registry r: Get \\"https://r/v2'
    '/\\": x509: certificate signed by unknown authority',
    "refuses these credentials": "reading manifest 2026.2 in r/ovn: unauthorized: authentication"
    " required",
    "has no space left": "writing blob: patch: write /data/x: no space left on device",
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
