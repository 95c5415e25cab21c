"""Are the agents of a machine what its cloud says, with no more rights than each needs?"""

import json
from typing import Any

import compute_worlds as worlds
import pod_security
import pytest

from ouranos.compute import pods, texts
from ouranos.images import catalog
from ouranos.kit import conditions, kinds, objects, scheduling
from ouranos.openstack import configuration

AGENTS = ("libvirt", "metadata-agent", "nova-compute", "openvswitch", "ovn-controller")

# What is more than root without capabilities. Reviewed: a longer list is a decision, not a detail.
CAPABILITIES = {
    "bridges": ["NET_ADMIN"],
    "libvirtd": [
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_ADMIN"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_NICE"),
    ],
    "look": [],
    "metadata-agent": [
        *("DAC_OVERRIDE", "KILL", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"),
        *("SETGID", "SETUID", "SYS_ADMIN"),
    ],
    "nova-compute": ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "NET_ADMIN"],
    "ovn-controller": [],
    "ovsdb-server": [],
    "prepare": ["CHOWN"],
    "virtualization": [],
    "vswitchd": ["NET_ADMIN", "NET_RAW"],
}

OPENS_DEVICES = ("libvirtd", "virtualization")
"""They, and guests, open /dev/kvm, which runtimes let privileged containers do alone."""


async def test_every_agent_has_the_rights_that_were_reviewed_and_no_more(
    running: worlds.World,
) -> None:
    found: dict[str, list[str]] = {}
    for agent in AGENTS:
        for name, container in (await running.containers(agent)).items():
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            if name in OPENS_DEVICES:
                found[name] = _kept_by(container)
                continue
            assert context["allowPrivilegeEscalation"] is False
            assert "privileged" not in context
            assert context["capabilities"]["drop"] == ["ALL"]
            found[name] = context["capabilities"].get("add", [])
    assert found == CAPABILITIES


def _kept_by(container: dict[str, Any]) -> list[str]:
    """Return what a privileged container's program keeps, after giving up the rest."""
    assert container["securityContext"]["privileged"] is True
    program, *options = container["command"][: container["command"].index("--")]
    assert program == "setpriv"
    assert {"--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all"} <= set(options)
    (bound,) = [one for one in options if one.startswith("--bounding-set=")]
    first, *kept = bound.removeprefix("--bounding-set=").split(",")
    assert first == "-all"
    return [one.removeprefix("+").upper() for one in kept]


async def test_agents_and_no_other_pods_are_outside_the_restricted_profile(
    running: worlds.World,
) -> None:
    """Services and servers are asked in tests/services/test_pod_rules.py."""
    for agent in AGENTS:
        spec = (await running.daemon_set(agent))["spec"]["template"]["spec"]
        told = pod_security.violations(spec)
        assert "hostNetwork" in told
        assert ("hostPID" in told) is (agent == "libvirt")
        privileged = {one.partition(" ")[0] for one in told if one.endswith("is privileged")}
        named = {one["name"] for one in pod_security.containers(spec)}
        assert privileged == named & set(OPENS_DEVICES)


async def test_every_container_of_an_agent_that_stays_is_looked_at(
    running: worlds.World,
) -> None:
    for agent in AGENTS:
        for container in (await running.daemon_set(agent))["spec"]["template"]["spec"][
            "containers"
        ]:
            assert {"startupProbe", "readinessProbe"} <= set(container), container["name"]


async def test_every_container_of_an_agent_has_requests_and_limits(
    running: worlds.World,
) -> None:
    for agent in AGENTS:
        for name, container in (await running.containers(agent)).items():
            for sort in ("requests", "limits"):
                assert set(container["resources"][sort]) == {"cpu", "memory"}, name


def test_what_an_image_does_not_say_is_refused() -> None:
    with pytest.raises(LookupError, match="says nothing of bash"):
        pods.privilege_of("libvirt", "bash")


async def test_no_secret_is_in_a_config_map_or_in_the_open(running: worlds.World) -> None:
    made = (await running.source.list(kinds.CONFIG_MAP, "home")).items
    made += (await running.source.list(kinds.DAEMON_SET, "home")).items
    text = json.dumps(made)
    for data in worlds.SECRETS.values():
        assert not [one for key, one in data.items() if key != "username" and one in text]


async def test_a_changed_secret_restarts_whoever_reads_it(running: worlds.World) -> None:
    async def reads() -> str:
        template = (await running.daemon_set("nova-compute"))["spec"]["template"]
        return str(template["metadata"]["annotations"][pods.READS])

    before = await reads()
    await running.apply(kinds.SECRET, "nova-user-1", data={"password": "bmV3"})
    await running.look()
    assert await reads() != before


async def test_the_region_survives_in_nova_compute_s_file(running: worlds.World) -> None:
    (found,) = await _config_maps(running, "nova-compute")
    assert "region_name = Düdingen Test" in found["data"]["nova.conf"]


async def test_options_of_a_person_are_put_over_ours(running: worlds.World) -> None:
    config = {"libvirt": {"images_type": "raw"}, "DEFAULT": {"reserved_host_memory_mb": 1024}}
    await running.source.patch(kinds.NOVA, "nova", "home", {"spec": {"config": config}})
    await running.look()
    new = [one for one in await _config_maps(running, "nova-compute") if "raw" in str(one["data"])]
    assert "reserved_host_memory_mb = 1024" in new[0]["data"]["nova.conf"]


async def test_an_old_configuration_goes_when_no_pod_reads_it(
    running: worlds.World,
) -> None:
    config = {"libvirt": {"images_type": "raw"}}
    await running.source.patch(kinds.NOVA, "nova", "home", {"spec": {"config": config}})
    await running.look()
    assert len(await _config_maps(running, "nova-compute")) == 2
    await running.run_pods()
    await running.look()
    (left,) = await _config_maps(running, "nova-compute")
    assert "images_type = raw" in left["data"]["nova.conf"]


async def _config_maps(world: worlds.World, agent: str) -> list[dict[str, dict[str, str]]]:
    labels = f"{pods.COMPONENT}={agent}"
    return (await world.source.list(kinds.CONFIG_MAP, "home", labels=labels)).items


async def test_an_agent_without_room_on_its_machine_says_so(world: worlds.World) -> None:
    await world.look_at_node()
    await world.look()
    term = {"key": "metadata.name", "operator": "In", "values": [worlds.NODE]}
    template = (await world.daemon_set("openvswitch"))["spec"]["template"]
    required = {"nodeSelectorTerms": [{"matchFields": [term]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    made = await world.apply(
        kinds.POD,
        "openvswitch-x",
        metadata={"labels": template["metadata"]["labels"]},
        spec={**template["spec"], "affinity": affinity},
    )
    said: list[objects.Object] = []
    why = "0/1 nodes are available: 1 Insufficient memory."
    now = world.given.clock.now()
    conditions.set_condition(said, "PodScheduled", "False", "Unschedulable", why, now)
    await world.source.replace_status({**made, "status": {"conditions": said}})
    await world.look()
    assert f"pod openvswitch-x finds no node: {why}" in await world.told("SwitchingReady")


async def test_a_second_machine_restarts_no_agent_of_the_first(running: worlds.World) -> None:
    async def templates() -> list[Any]:
        return [(await running.daemon_set(agent))["spec"]["template"] for agent in AGENTS]

    before = await templates()
    await running.node("hv2", gateway=None)
    await running.look_at_node("hv2")
    await running.look()
    assert await templates() == before


async def test_the_keeper_of_the_bridges_is_told_the_card_for_tunnels(
    running: worlds.World,
) -> None:
    async def card() -> str:
        return (await _variables(running, "ovn-controller", "bridges"))["TUNNEL_INTERFACE"]

    assert await card() == ""
    compute = {"tunnelInterface": "eno2"}
    await running.source.patch(kinds.NOVA, "nova", "home", {"spec": {"compute": compute}})
    await running.look()
    assert await card() == "eno2"


async def test_the_network_s_agent_is_told_addresses_not_names(
    running: worlds.World,
) -> None:
    variables = await _variables(running, "ovn-controller", "bridges")
    assert variables["OVN_REMOTE"] == "tcp:172.31.0.2:6642"
    assert variables["PUBLIC_ADDRESS"] == "172.24.4.1/24"
    assert variables["PHYSICAL_NETWORK"] == configuration.PHYSICAL_NETWORK
    assert variables["GATEWAYS"] == worlds.NODE


async def test_without_a_gateway_every_hypervisor_is_one(running: worlds.World) -> None:
    for name in (worlds.NODE, "hv2"):
        await running.node(name, gateway=None)
        await running.unlabel(scheduling.GATEWAY, name)
        await running.look_at_node(name)
    await running.look()
    variables = await _variables(running, "ovn-controller", "bridges")
    assert variables["GATEWAYS"] == f"{worlds.NODE} hv2"


async def _variables(world: worlds.World, agent: str, container: str) -> dict[str, str]:
    found = (await world.containers(agent))[container]["env"]
    return {one["name"]: one.get("value", "") for one in found}


@pytest.mark.parametrize("backend", ["local", "nfs"])
async def test_nova_and_libvirt_find_volumes_where_nova_would_mount_them(
    running: worlds.World, backend: str
) -> None:
    nfs = {"server": "10.0.0.9", "path": "/exports/cinder"}
    spec = {"release": "2026.2", "backend": {backend: nfs if backend == "nfs" else {}}}
    if backend == "local":
        claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
        await running.apply(kinds.PERSISTENT_VOLUME_CLAIM, "cinder-volumes", spec=claim)
    await running.apply(kinds.CINDER, "cinder", spec=spec)
    await running.look()
    share = "10.0.0.9:/exports/cinder" if backend == "nfs" else configuration.VOLUME_SHARE
    expected = f"/var/lib/nova/mnt/{configuration.share_folder(share)}"
    for agent, name in (("libvirt", "libvirtd"), ("nova-compute", "nova-compute")):
        mounts = (await running.containers(agent))[name]["volumeMounts"]
        assert expected in {one["mountPath"] for one in mounts}
        assert not [one for one in mounts if "mountPropagation" in one]


async def test_each_cloud_has_folders_of_its_own_on_a_machine(
    running: worlds.World,
) -> None:
    paths = {
        volume["hostPath"]["path"]
        for agent in AGENTS
        for volume in (await running.daemon_set(agent))["spec"]["template"]["spec"]["volumes"]
        if "hostPath" in volume
    }
    shared = {"/dev/net/tun", "/sys/fs/cgroup", "/run/ouranos-tunnels"}
    assert shared <= paths
    assert all("/home/" in f"{one}/" for one in paths - shared)


async def test_network_agents_run_on_gateways_too_and_guests_do_not(
    running: worlds.World,
) -> None:
    def wanted(found: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]) -> str:
        return json.dumps(found["spec"]["template"]["spec"]["affinity"])

    assert scheduling.GATEWAY in wanted(await running.daemon_set("openvswitch"))
    assert scheduling.GATEWAY in wanted(await running.daemon_set("ovn-controller"))
    assert scheduling.GATEWAY not in wanted(await running.daemon_set("libvirt"))


def test_every_privileged_program_of_a_machine_is_an_agent_s_container() -> None:
    said = {
        privilege.program
        for image in ("ovn", "openstack", "libvirt")
        for privilege in catalog.IMAGES[image].privileges
    }
    assert said == set(CAPABILITIES)


@pytest.mark.parametrize("agent", ["libvirt", "metadata", "nova", "openvswitch", "ovn"])
def test_an_agent_s_files_end_with_a_line_and_scripts_stop_at_errors(agent: str) -> None:
    for name, text in texts.of(agent).items():
        assert text.endswith("\n"), name
        if name.endswith(".sh") and name != "hook.sh":
            assert "\nset -eu\n" in text, name
