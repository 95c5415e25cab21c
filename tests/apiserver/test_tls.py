"""Keys and certificates are made once, renewed in time, and trusted by a TLS client."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from ouranos.engine.apiserver import tls

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def handshake(files: tls.Files, host: str) -> None:
    """Let a client trust the authority and reach the server under a name, without a socket."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cafile=files.authority)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.getpeercert()


@pytest.mark.parametrize("host", ["172.31.0.1", "127.0.0.1", "localhost"])
def test_a_client_trusts_the_server(tmp_path: Path, host: str) -> None:
    handshake(tls.ensure(tmp_path / "tls", "172.31.0.1"), host)


def test_a_client_does_not_trust_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.ensure(tmp_path / "tls", "172.31.0.1"), "172.31.0.2")


def test_what_is_there_stays(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path / "tls", "172.31.0.1", NOW)
    before = [path.read_bytes() for path in (files.authority, files.certificate, files.key)]
    tls.ensure(tmp_path / "tls", "172.31.0.1", NOW + timedelta(days=30))
    assert before == [path.read_bytes() for path in (files.authority, files.certificate, files.key)]


@pytest.mark.parametrize(
    ("host", "later"),
    [("172.31.0.2", timedelta()), ("172.31.0.1", timedelta(days=400))],
    ids=["another host", "a year later"],
)
def test_a_server_gets_a_new_certificate(tmp_path: Path, host: str, later: timedelta) -> None:
    files = tls.ensure(tmp_path / "tls", "172.31.0.1", NOW)
    authority, certificate = files.authority.read_bytes(), files.certificate.read_bytes()
    tls.ensure(tmp_path / "tls", host, NOW + later)
    assert files.authority.read_bytes() == authority
    assert files.certificate.read_bytes() != certificate


@pytest.mark.parametrize("broken", ["ca.key", "ca.crt", "server.key", "server.crt"])
def test_what_is_broken_is_made_again(tmp_path: Path, broken: str) -> None:
    directory = tmp_path / "tls"
    tls.ensure(directory, "172.31.0.1")
    (directory / broken).write_bytes(b"nothing")
    handshake(tls.ensure(directory, "172.31.0.1"), "172.31.0.1")


def test_an_old_authority_is_replaced(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path / "tls", "172.31.0.1", NOW)
    before = files.authority.read_bytes()
    tls.ensure(tmp_path / "tls", "172.31.0.1", NOW + timedelta(days=3600))
    assert files.authority.read_bytes() != before
    held = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    held.verify_directly_issued_by(x509.load_pem_x509_certificate(files.authority.read_bytes()))


def test_secrets_are_private(tmp_path: Path) -> None:
    tls.ensure(tmp_path / "tls", "172.31.0.1")
    tls.write_kubeconfig(tmp_path / "kubeconfig", "a: b\n")
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "tls" / "ca.key", tmp_path / "tls" / "server.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o777 == 0o600


def test_a_kubeconfig_says_all(tmp_path: Path) -> None:
    text = tls.kubeconfig(
        server="https://172.31.0.1:6443",
        authority=b"pem",
        token="t",
        name="home",
        namespace="home",
    )
    held = yaml.safe_load(text)
    assert held["current-context"] == "home"
    assert held["users"][0]["user"] == {"token": "t"}
    assert held["clusters"][0]["cluster"]["server"] == "https://172.31.0.1:6443"
    assert held["contexts"][0]["context"]["namespace"] == "home"
