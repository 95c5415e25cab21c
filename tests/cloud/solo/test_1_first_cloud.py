"""From nothing to a proved cloud; what a user of kubectl sees; where secrets are not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import tests_kubectl
from tests_cloud import Cloud, processes, secrets_of

PARTS = ("keystone", "glance", "placement", "nova", "neutron", "cinder")


def test_up_from_nothing_and_every_proof_passes(running: Cloud) -> None:
    assert running.run("status").stdout.startswith(f"{running.name}: Ready")
    report = running.verify()
    names = [proof["name"] for proof in report["proofs"]]
    for wanted in (
        "server ACTIVE",
        "HTTP by floating IP, metadata, user-data",
        "volume detached, attached again, bytes read back",
        "server snapshot",
        "server stopped and started, HTTP again",
        "console log",
        "everything deleted",
        "nothing is left in OpenStack, libvirt, OVN",
    ):
        assert wanted in names


def test_a_second_up_changes_nothing(running: Cloud) -> None:
    before = running.fingerprint()
    running.up()
    assert running.fingerprint() == before


def test_the_region_is_written_as_it_was_given(running: Cloud) -> None:
    answer = running.run("openstack", "region", "list", "-f", "json").stdout
    assert [each["Region"] for each in json.loads(answer)] == ["Düdingen Test"]
    endpoints = json.loads(running.run("openstack", "endpoint", "list", "-f", "json").stdout)
    assert {each["Region"] for each in endpoints} == {"Düdingen Test"}
    kinds = [(each["Service Name"], each["Interface"]) for each in endpoints]
    assert len(kinds) == len(set(kinds)), "one endpoint of each"
    assert {name for name, _ in kinds} >= set(PARTS)


def test_kubectl_shows_the_parts(running: Cloud) -> None:
    table = running.kubectl("get", "clouds,keystones,novas,neutrons", "-n", running.name)
    assert f"cloud.ouranos.cloud/{running.name}" in table
    assert "KeystoneReady" in running.kubectl("describe", "cloud", running.name, "-n", running.name)
    assert running.kubectl("logs", "deploy/keystone-api", "-n", running.name, "--tail=1")


def test_a_hypervisor_says_what_it_is(running: Cloud) -> None:
    (hypervisor,) = running.objects("hypervisors")
    status = hypervisor["status"]
    assert status["virtualization"] in {"kvm", "qemu"}
    assert status["datapath"] in {"system", "netdev"}


def test_no_secret_is_where_others_can_see_it(running: Cloud) -> None:
    secrets = secrets_of(running)
    assert len(secrets) > 10
    seen = "\n".join(processes().values())
    seen += running.kubectl("get", "configmaps,events,pods,deployments", "-A", "-o", "json")
    for log in (running.folder / "node" / "logs").rglob("*.log"):
        seen += log.read_text(errors="replace")
    seen += (running.folder / "daemon.log").read_text(errors="replace")
    leaked = [name for name, value in secrets.items() if value in seen]
    assert leaked == []


def test_the_state_folder_is_for_root_alone(running: Cloud) -> None:
    assert running.folder.stat().st_mode & 0o777 == 0o700
    for name in ("kubeconfig", "clouds.yaml", "token", "api.db"):
        assert (running.folder / name).stat().st_mode & 0o077 == 0, name


def test_the_api_refuses_who_has_no_token(running: Cloud) -> None:
    server = running.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")
    words = (f"--server={server}", "--insecure-skip-tls-verify", "--token=guessed", "get", "ns")
    answer = subprocess.run(
        [tests_kubectl.binary(), "--kubeconfig=/dev/null", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert "must be logged in" in answer.stderr


def test_nothing_listens_on_the_hosts_own_addresses(running: Cloud) -> None:
    """Only on the private bridge's address: port 6443 of the API door."""
    listening: set[str] = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            listening.add(fields[1])
    ours = {each for each in listening if each.endswith(f":{6443:04X}")}
    address = "".join(
        f"{int(part):02X}" for part in reversed(["172", "31", str(running.number), "1"])
    )
    assert f"{address}:{6443:04X}" in ours
    assert not any(
        each.startswith("00000000:") and each.endswith(f":{5000:04X}") for each in listening
    )


def test_few_containers_have_a_capability_and_all_have_a_read_only_root(running: Cloud) -> None:
    """Who has more is listed here; the reason is in the image's definition."""
    privileged: set[str] = set()
    for folder in (running.folder / "node" / "containers").iterdir():
        record = json.loads((folder / "record.json").read_text())
        if record.get("phase") != "running":
            continue
        document = json.loads((folder / "config.json").read_text())
        assert document["root"]["readonly"], record
        if document["process"]["capabilities"].get("effective"):
            privileged.add(record["container"])
    assert privileged == {"vswitchd", "bridges", "metadata-agent", "libvirtd", "nova-compute"}
