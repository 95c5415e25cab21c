"""By what do the parts of a lab know each other? One authority and a certificate for each."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ouranos.lab import files
from ouranos.lab.settings import Node, Settings

_LIFE: Final = timedelta(days=3650)
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_PRIVATE: Final = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate is for."""

    name: str
    """The file's name, without its ending."""
    common_name: str
    groups: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    """Names and addresses under which it serves; empty for a client."""
    kubeconfig: bool = False


def control_plane(settings: Settings) -> tuple[Identity, ...]:
    """Return everybody on this machine."""
    served = (
        *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        *("kubernetes.default.svc.cluster.local", "localhost", "127.0.0.1"),
        *(str(settings.services[1]), str(settings.host), str(settings.local)),
    )
    masters = ("system:masters",)
    return (
        Identity("apiserver", "kube-apiserver", serves=served),
        Identity("kubelet-client", "kube-apiserver-kubelet-client", masters),
        Identity("front-proxy", "front-proxy-client"),
        Identity("admin", "admin", masters, kubeconfig=True),
        Identity("controller-manager", "system:kube-controller-manager", kubeconfig=True),
        Identity("scheduler", "system:kube-scheduler", kubeconfig=True),
        Identity("coredns", "system:coredns", kubeconfig=True),
        Identity("providers", "lab-providers", kubeconfig=True),
    )


def node(one: Node) -> tuple[Identity, ...]:
    """Return everybody on a node."""
    return (
        Identity(
            f"{one.name}-kubelet", f"system:node:{one.name}", ("system:nodes",), kubeconfig=True
        ),
        Identity(f"{one.name}-server", one.name, serves=(one.name, str(one.address), "127.0.0.1")),
        Identity(f"{one.name}-proxy", "system:kube-proxy", kubeconfig=True),
    )


def ensure(settings: Settings, identities: Sequence[Identity]) -> None:
    """Make the authority, the key for service accounts and these identities, where missing."""
    folder = settings.authority
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = _authority(folder)
    if not (folder / "sa.pub").exists():
        accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        files.write(folder / "sa.key", accounts.private_bytes(*_PRIVATE))
        files.write(folder / "sa.pub", _public(accounts.public_key()))
    for identity in identities:
        last = f"{identity.name}.kubeconfig" if identity.kubeconfig else f"{identity.name}.crt"
        if not (folder / last).exists():
            _issue(settings, identity, certificate, key)
    admin = folder / "admin.kubeconfig"
    if admin.exists() and not settings.kubeconfig.exists():
        files.write(settings.kubeconfig, admin.read_bytes())


def _public(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    if certificate_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return x509.load_pem_x509_certificate(certificate_file.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ouranos-lab")])
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.write(key_file, key.private_bytes(*_PRIVATE))
    files.write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _issue(
    settings: Settings,
    identity: Identity,
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
) -> None:
    """Write key, certificate and kubeconfig, in this order: who finds the last finds all."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups),
            x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name),
        ]
    )
    purpose = (
        ExtendedKeyUsageOID.SERVER_AUTH if identity.serves else ExtendedKeyUsageOID.CLIENT_AUTH
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(subject, authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer, critical=False)
    )
    if identity.serves:
        names = x509.SubjectAlternativeName([_general(name) for name in identity.serves])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    folder = settings.authority
    files.write(folder / f"{identity.name}.key", key.private_bytes(*_PRIVATE))
    written = certificate.public_bytes(serialization.Encoding.PEM)
    files.write(folder / f"{identity.name}.crt", written)
    if identity.kubeconfig:
        text = kubeconfig(settings.server, folder, identity.name)
        files.write(folder / f"{identity.name}.kubeconfig", text.encode())


def kubeconfig(server: str, folder: Path, name: str) -> str:
    """Return a kubeconfig with everything in it, from the identity's files."""
    cluster = {"server": server, "certificate-authority-data": files.base64(folder / "ca.crt")}
    user = {
        "client-certificate-data": files.base64(folder / f"{name}.crt"),
        "client-key-data": files.base64(folder / f"{name}.key"),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
            "current-context": "lab",
        },
        sort_keys=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _LIFE)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
