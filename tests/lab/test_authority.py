"""Does everybody get a certificate that says who they are, once?"""

import ipaddress
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from ouranos.kit import kubeconfig
from ouranos.lab import authority, settings


@pytest.fixture
def lab(tmp_path: Path) -> settings.Settings:
    made = settings.Settings(tmp_path, tmp_path)
    made.folder.mkdir()
    everybody = (*authority.control_plane(made), *authority.node(made.node(1)))
    authority.ensure(made, everybody)
    return made


def _certificate(lab: settings.Settings, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((lab.authority / f"{name}.crt").read_bytes())


def test_every_certificate_is_of_the_one_authority(lab: settings.Settings) -> None:
    issuer = _certificate(lab, "ca")
    names = [path.stem for path in lab.authority.glob("*.crt")]
    assert len(names) > 10
    for name in names:
        _certificate(lab, name).verify_directly_issued_by(issuer)


def test_a_kubelet_is_its_node_and_no_other(lab: settings.Settings) -> None:
    subject = _certificate(lab, "node1-kubelet").subject
    assert [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "system:node:node1"
    ]
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [one.value for one in groups] == ["system:nodes"]


def test_the_api_server_has_every_name_under_which_it_is_asked(lab: settings.Settings) -> None:
    extension = _certificate(lab, "apiserver").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    assert {lab.host, lab.services[1], ipaddress.IPv4Address("127.0.0.1")} <= set(addresses)
    assert "kubernetes.default.svc" in extension.value.get_values_for_type(x509.DNSName)


def test_keys_are_for_root_alone_and_the_kubeconfig_leads_to_the_lab(
    lab: settings.Settings,
) -> None:
    assert {path.stat().st_mode & 0o777 for path in lab.authority.iterdir()} == {0o600}
    found = yaml.safe_load(lab.kubeconfig.read_text())
    assert found["clusters"][0]["cluster"]["server"] == lab.server
    assert kubeconfig.read(lab.kubeconfig).server == lab.server


def test_what_is_there_stays_and_what_is_missing_is_made(lab: settings.Settings) -> None:
    before = {path.name: path.read_bytes() for path in lab.authority.iterdir()}
    (lab.authority / "scheduler.kubeconfig").unlink()
    (lab.authority / "sa.pub").unlink()
    lab.kubeconfig.unlink()
    authority.ensure(lab, (*authority.control_plane(lab), *authority.node(lab.node(2))))
    after = {path.name: path.read_bytes() for path in lab.authority.iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        *("scheduler.key", "scheduler.crt", "scheduler.kubeconfig"),
        *("sa.key", "sa.pub"),
    }
    assert "node2-kubelet.kubeconfig" in after
    assert lab.kubeconfig.exists()
