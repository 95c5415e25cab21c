"""Does a certificate say whom it is for and what for, and only the authority's sign others?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ouranos.engine import certificates

LIFE = certificates.Life(datetime(2026, 11, 21, tzinfo=UTC), timedelta(days=30))


@pytest.fixture(scope="module")
def authority() -> certificates.Pair:
    return certificates.authority("the authority", LIFE)


def extension(pair: certificates.Pair, kind: type[x509.ExtensionType]) -> x509.ExtensionType:
    return pair.certificate.extensions.get_extension_for_class(kind).value


@pytest.mark.parametrize(
    ("serves", "purpose"),
    [
        ((), ExtendedKeyUsageOID.CLIENT_AUTH),
        (("localhost", "127.0.0.1", "::1"), ExtendedKeyUsageOID.SERVER_AUTH),
    ],
    ids=["client", "server"],
)
def test_a_certificate_is_for_serving_or_for_calling(
    authority: certificates.Pair, serves: tuple[str, ...], purpose: x509.ObjectIdentifier
) -> None:
    made = certificates.issue(authority, certificates.named("one", ("g1", "g2")), serves, LIFE)
    made.certificate.verify_directly_issued_by(authority.certificate)
    assert made.certificate.subject.rfc4514_string() == "CN=one,O=g2,O=g1"
    assert extension(made, x509.ExtendedKeyUsage) == x509.ExtendedKeyUsage([purpose])
    assert extension(made, x509.AuthorityKeyIdentifier) == authority.identifier
    assert made.certificate.not_valid_after_utc == LIFE.now + LIFE.length
    named = [one.value for one in made.certificate.extensions]
    names = x509.SubjectAlternativeName(certificates.addressed(serves)) if serves else None
    assert (names in named) is bool(serves)


def test_only_an_authority_signs(authority: certificates.Pair) -> None:
    made = certificates.issue(authority, certificates.named("one"), (), LIFE)
    for pair, signs in ((authority, True), (made, False)):
        constraints = pair.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = pair.certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert constraints.value.ca is signs
        assert usage.value.key_cert_sign is signs


def test_what_is_not_whole_is_not_there(authority: certificates.Pair, tmp_path: Path) -> None:
    certificate, key = tmp_path / "one.crt", tmp_path / "one.key"
    assert certificates.read(certificate, key) is None
    certificate.write_bytes(authority.certificate_pem)
    key.write_bytes(b"cut off")
    assert certificates.read(certificate, key) is None
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for wrong in (certificates.authority("other", LIFE).key, other):
        key.write_bytes(wrong.private_bytes(*certificates.PRIVATE))
        assert certificates.read(certificate, key) is None
    key.write_bytes(authority.key_pem)
    held = certificates.read(certificate, key)
    assert held is not None
    assert held.certificate == authority.certificate
    pem = serialization.Encoding.PEM
    assert held.certificate.public_bytes(pem) == certificate.read_bytes()
