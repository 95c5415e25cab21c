"""By what do the parts of a lab know each other? One authority and a certificate for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ouranos.engine import certificates
from ouranos.lab import files
from ouranos.lab.settings import Node, Settings

_LIFE: Final = timedelta(days=3650)


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
    signer = _authority(folder)
    if not (folder / "sa.pub").exists():
        accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        files.write(folder / "sa.key", accounts.private_bytes(*certificates.PRIVATE))
        files.write(folder / "sa.pub", _public(accounts.public_key()))
    for identity in identities:
        last = f"{identity.name}.kubeconfig" if identity.kubeconfig else f"{identity.name}.crt"
        if not (folder / last).exists():
            _issue(settings, identity, signer)
    admin = folder / "admin.kubeconfig"
    if admin.exists() and not settings.kubeconfig.exists():
        files.write(settings.kubeconfig, admin.read_bytes())


def _public(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _authority(folder: Path) -> certificates.Pair:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    held = certificates.read(certificate, key)
    if held is None:
        held = certificates.authority("ouranos-lab", _life())
        files.write(key, held.key_pem)
        files.write(certificate, held.certificate_pem)
    return held


def _issue(settings: Settings, identity: Identity, signer: certificates.Pair) -> None:
    """Write key, certificate and kubeconfig, in this order: who finds the last finds all."""
    subject = certificates.named(identity.common_name, identity.groups)
    made = certificates.issue(signer, subject, identity.serves, _life())
    folder = settings.authority
    files.write(folder / f"{identity.name}.key", made.key_pem)
    files.write(folder / f"{identity.name}.crt", made.certificate_pem)
    if identity.kubeconfig:
        text = kubeconfig(settings.server, folder, identity.name)
        files.write(folder / f"{identity.name}.kubeconfig", text.encode())


def _life() -> certificates.Life:
    return certificates.Life(datetime.now(UTC), _LIFE)


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
