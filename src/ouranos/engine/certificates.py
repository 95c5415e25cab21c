"""How is an authority made, and a certificate of it? Asked by the embedded API and by labs."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PRIVATE: Final = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
"""How a private key is written."""
_CLOCKS_DIFFER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Life:
    """From when on, and how long, a certificate holds; an hour earlier, because clocks differ."""

    now: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, as files hold it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, as files hold it."""
        return self.key.private_bytes(*PRIVATE)

    @property
    def identifier(self) -> x509.AuthorityKeyIdentifier:
        """By what a certificate names this one as its authority."""
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())


def read(certificate: Path, key: Path) -> Pair | None:
    """Read a pair; None when it is not there whole and readable."""
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    return Pair(held, secret) if held.public_key() == secret.public_key() else None


def authority(name: str, life: Life) -> Pair:
    """Make an authority that signs others, and is signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = named(name)
    certificate = (
        _builder(subject, subject, key, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def issue(signer: Pair, subject: x509.Name, serves: Sequence[str], life: Life) -> Pair:
    """Make a certificate of an authority.

    Args:
        signer: the authority.
        subject: whom it is for.
        serves: the names and addresses under which that one serves; empty for a client.
        life: how long it holds.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if serves else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, signer.certificate.subject, key, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(signer.identifier, critical=False)
    )
    if serves:
        names = x509.SubjectAlternativeName(addressed(serves))
        builder = builder.add_extension(names, critical=False)
    return Pair(builder.sign(signer.key, hashes.SHA256()), key)


def named(common_name: str, groups: Sequence[str] = ()) -> x509.Name:
    """Return the name of somebody, as Kubernetes reads it: groups are organisations."""
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def addressed(serves: Sequence[str]) -> list[x509.GeneralName]:
    """Return names and addresses as a certificate holds them."""
    return [_general(name) for name in serves]


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: Life
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(life.now - _CLOCKS_DIFFER)
        .not_valid_after(life.now + life.length)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,  # RFC 8813: not by keys of elliptic curves
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
