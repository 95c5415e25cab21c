"""Deleted behind our back, sort after sort: Ready again without help, the guest goes on."""

from __future__ import annotations

import pytest
import tests_guest
from tests_cloud import eventually
from tests_cluster import Cluster

from ouranos.verify import tenant

# What nothing can make again waits for a person; solo's stories tell how.
KEYS = ("keystone-credential-1", "keystone-fernet-1")


def uids(running: Cluster, plural: str) -> dict[str, str]:
    return {
        each["metadata"]["name"]: each["metadata"]["uid"]
        for each in running.objects(plural)
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "ouranos"
        # Another Service for people may get another address, which its clients would have to learn.
        and each["spec" if plural == "services" else "metadata"].get("type") != "LoadBalancer"
    }


def again(running: Cluster, guest: tests_guest.Guest, plural: str, gone: dict[str, str]) -> None:
    """Wait until each of these is there again, another one, and all is well."""

    def made() -> bool:
        now = uids(running, plural)
        return all(now.get(name, uid) != uid for name, uid in gone.items())

    eventually(
        made,
        600,
        lambda: f"other {plural} in place of {sorted(gone)}: {running.told()}",
        every=1,
    )
    running.wait_settled()
    guest.wait_answers()
    assert guest.boots() == 1, "the guest went on, it did not boot again"


@pytest.mark.parametrize("plural", ["deployments", "statefulsets", "daemonsets", "services"])
def test_what_runs_pods_is_made_again(
    running: Cluster, guest: tests_guest.Guest, plural: str
) -> None:
    gone = uids(running, plural)
    assert gone
    running.kubectl("delete", plural, "-n", running.name, "--wait=false", *gone)
    again(running, guest, plural, gone)


def test_each_pod_is_made_again(running: Cluster, guest: tests_guest.Guest) -> None:
    names = sorted(running.pods())
    for name in names:
        running.kubectl("delete", "pod", name, "-n", running.name, "--wait=false", check=False)
    eventually(
        lambda: (
            not set(names)
            & set(running.pods()) - {"mariadb-0", "rabbitmq-0", "ovn-0"} - {"memcached-0"}
        ),
        300,
        "other pods",
    )
    running.wait_settled()
    guest.wait_answers()
    assert guest.boots() == 1, "the guest went on, it did not boot again"


def test_each_secret_is_made_again(running: Cluster, guest: tests_guest.Guest) -> None:
    gone = {name: uid for name, uid in uids(running, "secrets").items() if name not in KEYS}
    assert len(gone) > 15
    running.kubectl("delete", "secrets", "-n", running.name, *gone)
    again(running, guest, "secrets", gone)
    # The administrator has another password now, and who knew the old one is let in no longer.
    guest.run.admin = tenant.connect_admin(str(running.write_clouds_yaml()), running.name)


def test_neutron_still_hears_what_happens_in_ovn(running: Cluster) -> None:
    """Its API is in the ring of those who do, whichever of its pods ended first."""
    deployment = ("deployment/neutron-api", "-n", running.name)
    running.kubectl("rollout", "restart", *deployment)
    running.kubectl("rollout", "status", *deployment)
    # What that wrote is taken back, which is another rollout.
    mark = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
    undo = f'[{{"op": "remove", "path": "{mark}"}}]'
    running.kubectl("patch", *deployment, "--type=json", "--patch", undo)
    running.kubectl("rollout", "status", *deployment)
    running.wait_settled()
    (ended,) = running.sql("SELECT UTC_TIMESTAMP()")
    heard = f"SELECT hostname FROM neutron.ovn_hash_ring WHERE updated_at > '{ended}'"
    eventually(lambda: running.sql(heard) == ["neutron-api"], 90, "Neutron in its ring")
