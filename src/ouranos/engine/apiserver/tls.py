"""By what does a caller know the server, and get in? Keys, certificates, the kubeconfig."""

import ipaddress
import os
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_LIFE = timedelta(days=3650)
_SERVER_LIFE = timedelta(days=730)
_RENEW_BEFORE = timedelta(days=365)
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the keys and certificates are, all PEM."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


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


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read(certificate: Path, key: Path) -> _Pair | None:
    """Read a pair; None when it is not there whole and readable."""
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    return _Pair(held, secret) if held.public_key() == secret.public_key() else None


def _builder(name: str, now: datetime, life: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _new_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = "Ouranos embedded API"
    certificate = (
        _builder(name, now, _AUTHORITY_LIFE)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _names(host: str) -> list[x509.GeneralName]:
    try:
        first: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        first = x509.DNSName(host)
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return [first, x509.DNSName("kubernetes"), x509.DNSName("localhost"), local]


def _new_server(authority: _Pair, host: str, now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder("kube-apiserver", now, _SERVER_LIFE)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _fits(server: _Pair, authority: _Pair, host: str, now: datetime) -> bool:
    """Whether a server's certificate is of this authority, for this host, and fresh."""
    certificate = server.certificate
    if certificate.not_valid_after_utc - now < _RENEW_BEFORE:
        return False
    if certificate.issuer != authority.certificate.subject:
        return False
    extensions = certificate.extensions
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    if issuer != x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()):
        return False
    named = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(named) == _names(host)


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
    authority = _read(files.authority, authority_key)
    if authority is None or authority.certificate.not_valid_after_utc - moment < _RENEW_BEFORE:
        authority = _new_authority(moment)
        _write(authority_key, _key_pem(authority.key))
        _write(files.authority, authority.certificate.public_bytes(serialization.Encoding.PEM))
    server = _read(files.certificate, files.key)
    if server is None or not _fits(server, authority, host, moment):
        server = _new_server(authority, host, moment)
        _write(files.key, _key_pem(server.key))
        _write(files.certificate, server.certificate.public_bytes(serialization.Encoding.PEM))
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
