"""Can a page say what the odd ones among OpenStack's services need?"""

import dataclasses
import random
from typing import Any

import pytest

from ouranos import services
from ouranos.api import crds
from ouranos.kit import errors, kinds, objects
from ouranos.openstack import resources
from ouranos.services import (
    files,
    keystone,
    manifests,
    neutron,
    page,
    pods,
    registry,
    secrets,
)

SCOPE = page.Scope("home", "2026.2", "R")
KIND = objects.Kind("ouranos.cloud", "v1alpha1", "Oddity", "oddities")
LISTENER = page.Listener(9001, "oddity", public=True)
ODD = page.Service(
    kind=KIND,
    name="oddity",
    uid=42000,
    about="odd things",
    releases={"2026.2": ("oddity==1.0.0",)},
    queue=True,
    secrets=(page.KeyPair("transfer"), page.SharedSecret("agent")),
    files=lambda _: {"/srv/dashboard/local_settings.py": "DEBUG = False\n"},
    schema=page.Schema(initialise=("pool-update",), needs_running=True),
    components=(
        page.Component(
            "driver",
            ("driver-agent",),
            shape=page.Shape.PER_NODE,
            node_label="ouranos.cloud/gateway",
            capabilities=("NET_ADMIN",),
            volumes=lambda _: (
                page.HostFolder("/run/driver", "/run/driver", propagation="Bidirectional"),
                page.HostFolder("/run/other", "/run/other"),
            ),
        ),
        page.wsgi("api", "oddity.wsgi:application", LISTENER, threads=1, after=("driver",)),
        page.wsgi(
            "second",
            "oddity.cfn:application",
            page.Listener(9002, "oddity-cfn", public=True),
            arguments=("--config-file", "/etc/oddity.conf"),
        ),
        page.Component("purge", ("oddity-purge",), shape=page.Shape.PERIODIC, schedule="5 4 * * *"),
    ),
    identity=page.Identity(
        user="oddity",
        system_roles=("admin",),
        endpoints=(
            page.Endpoint("orchestration", 9001, "oddity", "/v1/%(tenant_id)s"),
            page.Endpoint("cloudformation", 9002, "oddity-cfn", "/v1", name="oddity-cfn"),
        ),
    ),
    inside=lambda _: (resources.Domain("oddity"), resources.Role("oddity_user")),
    proof=page.Proof("oddity", 9001, (page.Request("/v1/secrets"),)),
)
KNOWN = registry.of([*services.KNOWN.pages, ODD])


def workload(name: str) -> objects.Object:
    component = next(one for one in ODD.components if one.name == name)
    return manifests.workload(ODD, SCOPE, pods.Facts(config="c"), component)


def test_an_agent_runs_on_the_nodes_of_a_label_with_what_it_needs() -> None:
    made = workload("driver")
    assert made["kind"] == "DaemonSet"
    spec = made["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"ouranos.cloud/gateway": ""}
    container = spec["containers"][0]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    assert mounts["/run/driver"]["mountPropagation"] == "Bidirectional"
    assert "mountPropagation" not in mounts["/run/other"]


def test_a_worker_without_threads_and_arguments_of_an_application() -> None:
    one = workload("api")["spec"]["template"]["spec"]["containers"][0]["command"]
    assert one[one.index("--threads") + 1] == "1"
    two = workload("second")["spec"]["template"]["spec"]["containers"][0]["command"]
    assert two[-3:] == ["--", "--config-file", "/etc/oddity.conf"]


def test_a_periodic_part_is_a_cron_job() -> None:
    made = workload("purge")
    assert (made["kind"], made["spec"]["schedule"]) == ("CronJob", "5 4 * * *")
    assert made["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure"


def test_a_service_may_have_no_oslo_config_and_a_path_of_its_own() -> None:
    assert files.rendered(ODD, SCOPE) == {"/srv/dashboard/local_settings.py": "DEBUG = False\n"}
    overridden = page.Scope("home", "2026.2", "R", spec={"config": {"DEFAULT": {"a": 1}}})
    with pytest.raises(errors.Terminal, match="neither config nor policy"):
        files.rendered(ODD, overridden)


def test_a_secret_option_of_several_values_is_a_file_and_not_for_others_to_set() -> None:
    key = page.SharedSecret("kek", fernet=True, option=("crypto", "kek"))
    made = secrets.values(key, random.Random(7))
    assert made["kek.conf"].split() == ["[crypto]", "kek", "=", made["secret"]]
    with_key = dataclasses.replace(keystone.SERVICE, secrets=(page.Irreplaceable(key, "all"),))
    assert ("crypto", "kek") in set(files.refused_options(with_key))


def test_key_pairs_and_shared_secrets_are_made() -> None:
    chance = random.Random(7)
    pair = secrets.values(page.KeyPair("transfer"), chance)
    assert pair["public"].startswith("ssh-ed25519 ")
    assert pair["private"].startswith("-----BEGIN PRIVATE KEY-----")
    assert len(secrets.values(page.SharedSecret("agent"), chance)["secret"]) == 32
    fernet = secrets.values(page.SharedSecret("kek", fernet=True), chance)["secret"]
    assert len(fernet) == 44


def test_the_kind_of_a_page_says_what_the_page_says() -> None:
    made = crds.definition(KNOWN.kinds["Oddity"])
    assert made["metadata"]["name"] == "oddities.ouranos.cloud"
    schema = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "rabbitmqRef" in schema["properties"]["spec"]["properties"]["backing"]["properties"]


@pytest.mark.virtual_time
async def test_an_odd_service_becomes_ready_in_its_order(house: Any) -> None:
    async with house(keystone.SERVICE, known=KNOWN) as world:
        node = {"metadata": {"labels": {"ouranos.cloud/gateway": ""}}}
        await world.cluster.patch(kinds.NODE, "node1", "", node)
        await world.cluster.apply(
            {
                "apiVersion": "ouranos.cloud/v1alpha1",
                "kind": "Oddity",
                "metadata": {"name": "oddity", "namespace": "home"},
                "spec": {"release": "2026.2", "region": "R", "publicHost": "cloud.example.org"},
            }
        )

        async def ready() -> bool:
            said = (await world.twin.get(KIND, "oddity")).get("status", {}).get("conditions", [])
            return any(one["type"] == "Ready" and one["status"] == "True" for one in said)

        await world.twin.until(ready, 120)
        driver = await world.twin.get(kinds.DAEMON_SET, "oddity-driver")
        api = await world.twin.get(kinds.DEPLOYMENT, "oddity-api")
        order = [one["metadata"]["creationTimestamp"] for one in (driver, api)]
        assert order[0] < order[1]
        assert {one["url"] for one in world.cloud.tables["endpoints"].values()} >= {
            "http://cloud.example.org:9001/v1/%(tenant_id)s",
            "http://oddity-cfn:9002/v1",
        }
        assert world.cloud.named("domains", "oddity")
        assert world.cloud.named("roles", "oddity_user")
        assert any(project is None for _, _, project in world.cloud.grants)


@pytest.mark.virtual_time
async def test_ovn_is_named_by_address_because_its_library_resolves_no_names(house: Any) -> None:
    named = {"northbound": "tcp:ovn-nb:6641", "southbound": "tcp:203.0.113.7:6642"}
    async with house(keystone.SERVICE, neutron.SERVICE, ovn=named) as world:
        await world.until_said("neutron", "ConfigReady", "OVN/ovn")
        port = {"name": "db", "port": 6641}
        await world.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "ovn-nb", "namespace": "home"},
                "spec": {"ports": [port], "selector": {"app.kubernetes.io/name": "ovn"}},
            }
        )
        await world.until_ready("neutron", within=900)
        (config,) = await world.twin.all(kinds.CONFIG_MAP, "app.kubernetes.io/name=neutron")
        text = config["data"]["etc.neutron.neutron.conf"]
        assert "ovn_nb_connection = tcp:172.31.0.11:6641" in text
        assert "ovn_sb_connection = tcp:203.0.113.7:6642" in text
