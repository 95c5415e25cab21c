"""Deleted behind our back: made again, or told as what a person must decide."""

from __future__ import annotations

import json
from typing import Any

import pymysql
import pytest
from openstack import connection, exceptions
from tests_cloud import Cloud, eventually

from ouranos.verify import tenant

Made = dict[str, Any]


def uid_of(cloud: Cloud, plural: str, name: str) -> str:
    """The identity of an object; empty while there is none."""
    found = [each for each in cloud.objects(plural) if each["metadata"]["name"] == name]
    return found[0]["metadata"]["uid"] if found else ""


def urls(guest: Any) -> set[tuple[str, str, str]]:
    """The catalogue's entries of the image service."""
    identity = guest.run.admin.identity
    service = identity.find_service("glance", ignore_missing=False)
    found = identity.endpoints(service_id=service.id)
    return {(each.id, each.interface, each.url) for each in found}


@pytest.fixture(scope="module")
def removed(running: Cloud, guest: Any) -> Made:
    """What nothing reports is looked at once a minute: an endpoint and a user of the database.

    Both are removed first, so that the other stories of this file pass while they are awaited.
    """
    before = urls(guest)
    for entry in before:
        if entry[1] == "public":
            guest.run.admin.identity.delete_endpoint(entry[0])
    running.sql("DROP USER `placement`@`%`")
    return {"urls": before}


@pytest.mark.usefixtures("removed")
def test_a_deployment_is_made_again(running: Cloud, guest: Any) -> None:
    before = uid_of(running, "deployments", "glance-api")
    running.kubectl("delete", "deployment", "glance-api", "-n", running.name)
    eventually(
        lambda: uid_of(running, "deployments", "glance-api") not in {"", before},
        180,
        "another Deployment",
    )
    running.wait_settled()
    assert guest.run.made["image"] in {each.id for each in guest.run.tenant.image.images()}


@pytest.mark.usefixtures("removed")
def test_a_bridge_is_made_again_and_the_guest_is_on_it(running: Cloud, guest: Any) -> None:
    def ports() -> set[str]:
        """What is plugged into br-int: the guest, its network's metadata, the way out."""
        return set(switch("list-ports", "br-int").split())

    def switch(*words: str) -> str:
        return running.inside("ovn-controller", "bridges", "ovs-vsctl", "--timeout=30", *words)

    boots, plugged = guest.boots(), ports()
    for bridge in ("br-ex", "br-int"):
        switch("del-br", bridge)
        guest.wait_answers()
    eventually(lambda: ports() == plugged, 120, "all ports plugged in again")
    running.wait_settled()
    guest.wait_answers()
    assert guest.boots() == boots, "the guest went on, it did not boot again"


@pytest.mark.usefixtures("removed")
def test_a_service_whose_password_was_lost_gets_another(running: Cloud, guest: Any) -> None:
    lost, before = uid_of(running, "secrets", "glance-user-1"), running.containers("glance-api")
    password = running.secret("glance-user-1")["password"]
    running.kubectl("delete", "secret", "glance-user-1", "-n", running.name)
    eventually(
        lambda: uid_of(running, "secrets", "glance-user-1") not in {"", lost}, 180, "another Secret"
    )
    running.wait_replaced("glance-api", before)
    assert gets_in(guest, running.secret("glance-user-1")["password"])
    assert not gets_in(guest, password), "who has the lost Secret cannot use it"
    assert guest.run.tenant.image.get_image(guest.run.made["image"]).status == "active"


def gets_in(guest: Any, password: str) -> bool:
    """Whether Keystone lets Glance in by a password."""
    login = connection.Connection(
        auth_url=guest.run.admin.config.get_auth_args()["auth_url"],
        username="glance",
        password=password,
        project_name="service",
        user_domain_id="default",
        project_domain_id="default",
    )
    try:
        login.authorize()
    except exceptions.SDKException:
        return False
    return True


def test_a_lost_password_of_the_database_server_costs_no_data(running: Cloud, guest: Any) -> None:
    lost, before = uid_of(running, "secrets", "mariadb-root-1"), running.containers("mariadb")
    running.kubectl("delete", "secret", "mariadb-root-1", "-n", running.name)
    eventually(
        lambda: uid_of(running, "secrets", "mariadb-root-1") not in {"", lost},
        180,
        "another Secret",
    )
    running.wait_replaced("mariadb", before)
    assert running.sql("SELECT 1") == [1]
    assert guest.run.tenant.compute.get_server(guest.server).status == "ACTIVE"


def test_keys_that_nothing_can_make_again_wait_for_a_person(running: Cloud, guest: Any) -> None:
    name = "keystone-credential-1"
    kept = running.object("secrets", name)
    running.kubectl("delete", "secret", name, "-n", running.name)
    eventually(lambda: (now := running.state()) and now.stopped, 120, "the loss noticed")
    told = running.run("status", check=False)
    assert told.returncode == 1
    assert f"Secret/{name} is gone" in told.stdout
    assert "would lose the credentials (EC2, TOTP) that users have stored" in told.stdout
    hint = f"restore it, or annotate the Keystone with ouranos.cloud/recreate-secret={name}"
    assert f"hint: {hint}" in told.stderr
    assert uid_of(running, "secrets", name) == "", "nothing is made without a person's word"
    tenant.connect_admin(str(running.paths.clouds_yaml), running.name).authorize()  # serves on
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        kept["metadata"].pop(field, None)
    file = running.file.with_name("kept.json")
    file.write_text(json.dumps(kept))
    running.kubectl("apply", "-f", str(file))
    file.unlink()
    running.wait_settled()
    assert running.object("secrets", name)["data"] == kept["data"]


def test_an_endpoint_is_made_again(removed: Made, guest: Any) -> None:
    def without_ids(found: set[tuple[str, str, str]]) -> list[tuple[str, str]]:
        return sorted((interface, url) for _, interface, url in found)

    wanted = without_ids(removed["urls"])
    eventually(lambda: without_ids(urls(guest)) == wanted, 150, "the endpoint made again")


@pytest.mark.usefixtures("removed")
def test_a_user_of_the_database_is_made_again(running: Cloud, guest: Any) -> None:
    login = running.secret("placement-database-1")

    def gets_in() -> bool:
        try:
            return running.sql("SHOW DATABASES LIKE 'placement'", **login) == ["placement"]
        except pymysql.err.OperationalError:
            return False

    eventually(gets_in, 150, "the user made again")
    answer = guest.run.admin.placement.get("/resource_providers")
    assert answer.status_code == 200
