"""By what does a caller know the server, and get in? Keys, certificates, the kubeconfig."""

import os
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509

from ouranos.engine import certificates

_AUTHORITY_LIFE = timedelta(days=3650)
_SERVER_LIFE = timedelta(days=730)
_RENEW_BEFORE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the keys and certificates are, all PEM."""

    authority: Path
    certificate: Path
    key: Path


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _served(host: str) -> tuple[str, ...]:
    return (host, "kubernetes", "localhost", "127.0.0.1")


def _fits(
    server: certificates.Pair, authority: certificates.Pair, host: str, now: datetime
) -> bool:
    """Whether a server's certificate is of this authority, for this host, and fresh."""
    certificate = server.certificate
    if certificate.not_valid_after_utc - now < _RENEW_BEFORE:
        return False
    if certificate.issuer != authority.certificate.subject:
        return False
    extensions = certificate.extensions
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    if issuer != authority.identifier:
        return False
    named = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(named) == certificates.addressed(_served(host))


def ensure(directory: Path, host: str, now: datetime | None = None) -> Files:
    """Make what is missing or about to end: an authority, and a server's key and certificate.

    Args:
        directory: where the files are; made with mode 0700.
        host: the address or name under which callers reach the server.
        now: the time of day; the machine's, when not given.
    """
    moment = now or datetime.now(UTC)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Files(directory / "ca.crt", directory / "server.crt", directory / "server.key")
    authority_key = directory / "ca.key"
    authority = certificates.read(files.authority, authority_key)
    if authority is None or authority.certificate.not_valid_after_utc - moment < _RENEW_BEFORE:
        life = certificates.Life(moment, _AUTHORITY_LIFE)
        authority = certificates.authority("Ouranos embedded API", life)
        _write(authority_key, authority.key_pem)
        _write(files.authority, authority.certificate_pem)
    server = certificates.read(files.certificate, files.key)
    if server is None or not _fits(server, authority, host, moment):
        life = certificates.Life(moment, _SERVER_LIFE)
        name = certificates.named("kube-apiserver")
        server = certificates.issue(authority, name, _served(host), life)
        _write(files.key, server.key_pem)
        _write(files.certificate, server.certificate_pem)
    return files


def kubeconfig(*, server: str, authority: bytes, token: str, name: str, namespace: str) -> str:
    """Give a kubeconfig with one context.

    Args:
        server: the URL of the door.
        authority: the certificate, PEM, that callers trust.
        token: what lets its bearer in.
        name: how the cluster, the user and the context are called.
        namespace: where kubectl looks when nobody says where.
    """
    cluster = {"server": server, "certificate-authority-data": b64encode(authority).decode()}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}
            ],
            "current-context": name,
        },
        sort_keys=False,
    )


def write_kubeconfig(path: Path, text: str) -> None:
    """Write a kubeconfig that only its owner may read."""
    _write(path, text.encode())
