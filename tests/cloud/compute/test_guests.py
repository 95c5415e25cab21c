"""Do guests outlive everything of ours? A real switch, libvirt and QEMU, without OpenStack."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import tests_border
import tests_engine

from ouranos import backing, compute
from ouranos.kit import kinds

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]

GUEST = """\
<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='bridge'>
      <source bridge='br-int'/><virtualport type='openvswitch'/><model type='virtio'/>
    </interface>
    <serial type='pty'><log file='/var/lib/nova/instances/console.log' append='off'/></serial>
  </devices>
</domain>
"""
MOUNTS = {"libvirt": "/run/libvirt", "openvswitch": "/run/openvswitch"}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tests_engine.Engine]:
    controllers = [*backing.controllers(), *compute.controllers()]
    async with tests_engine.running(tmp_path, controllers) as found:
        await hypervise(found)
        yield found


async def hypervise(engine: tests_engine.Engine) -> None:
    """Make the node a hypervisor of a cloud that has objects for Nova and Neutron, and no more."""
    release = {"release": tests_engine.RELEASE}
    await engine.apply(kinds.OVN, "ovn", spec={**release, "builtin": {}})
    await engine.apply(kinds.NEUTRON, "neutron", spec=release)
    await engine.apply(kinds.NOVA, "nova", spec=release)
    for condition in ("SwitchingReady", "NetworkingReady", "VirtualizationReady"):
        await until_told(engine, condition, "True", seconds=300)


async def until_told(
    engine: tests_engine.Engine, condition: str, status: str, seconds: float = 60
) -> None:
    async def there() -> bool:
        return await engine.client.get(kinds.HYPERVISOR, "hv1", tests_engine.HOME) is not None

    await engine.until(there, "the Hypervisor to exist")
    await engine.until_said(kinds.HYPERVISOR, "hv1", condition, status, seconds=seconds)


async def on_machine(engine: tests_engine.Engine, image: str, script: str) -> str:
    """Run a script beside the machine's agents."""
    spec: dict[str, Any] = {
        "volumes": [
            {"name": name, "hostPath": {"path": f"/run/ouranos/home/{name}"}} for name in MOUNTS
        ],
        "mounts": [{"name": name, "mountPath": path} for name, path in MOUNTS.items()],
    }
    return await engine.run("on-machine", image, script, **spec)


def guests(engine: tests_engine.Engine) -> list[int]:
    return engine.processes("qemu-system", "guests")


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


async def boot(engine: tests_engine.Engine) -> list[int]:
    await on_machine(
        engine, "libvirt", f"cat >/tmp/guest.xml <<'END'\n{GUEST}END\nvirsh create /tmp/guest.xml"
    )
    found = guests(engine)
    assert len(found) == 1
    return found


async def restart(engine: tests_engine.Engine, agent: str) -> None:
    """Delete an agent's pod, and wait until another one is ready in its place."""
    labels = f"app.kubernetes.io/component={agent}"
    before = (await engine.client.list(kinds.POD, tests_engine.HOME, labels=labels)).items
    for pod in before:
        await engine.client.delete(kinds.POD, pod["metadata"]["name"], tests_engine.HOME)
    names = {pod["metadata"]["name"] for pod in before}

    async def replaced() -> bool:
        now = (await engine.client.list(kinds.POD, tests_engine.HOME, labels=labels)).items
        ready = [
            {"Ready": "True"} in [{one["type"]: one["status"]} for one in states]
            for states in (pod.get("status", {}).get("conditions", []) for pod in now)
        ]
        return bool(ready) and all(ready) and not names & {pod["metadata"]["name"] for pod in now}

    await engine.until(replaced, f"a new {agent}", 120)


async def test_a_guest_outlives_every_agent_and_is_found_again(engine: tests_engine.Engine) -> None:
    guest = await boot(engine)
    for agent in ("libvirt", "openvswitch", "ovn-controller"):
        await restart(engine, agent)
        assert guests(engine) == guest, agent
    for program in ("libvirtd", "ovs-vswitchd", "ovsdb-server conf.db", "ovn-controller unix"):
        engine.kill(program)
    for condition in ("SwitchingReady", "NetworkingReady", "VirtualizationReady"):
        await until_told(engine, condition, "True", 120)
    assert guests(engine) == guest
    listed = await on_machine(
        engine, "libvirt", "until virsh list --name; do sleep 1; done; virsh dommemstat guest"
    )
    assert "guest" in listed
    ports = await on_machine(engine, "ovn", "ovs-vsctl --timeout=10 list-ports br-int")
    assert "vnet" in ports


async def test_a_guest_runs_as_another_user_without_capabilities(
    engine: tests_engine.Engine,
) -> None:
    (guest,) = await boot(engine)
    status = status_of(guest)
    assert status["Uid"].split() == ["64055"] * 4
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


async def test_a_bridge_that_somebody_removed_is_made_again_with_its_address(
    engine: tests_engine.Engine,
) -> None:
    look = "ip -4 -o address show dev br-ex; ovs-vsctl --timeout=10 br-exists br-int"
    before = await on_machine(engine, "ovn", look)
    assert " 172.24.4.1/24 " in before
    await on_machine(engine, "ovn", "ovs-vsctl --timeout=10 del-br br-ex -- del-br br-int")

    async def again() -> bool:
        told = await on_machine(engine, "ovn", f"{look} || echo gone")
        return " 172.24.4.1/24 " in told and "gone" not in told

    await engine.until(again, "both bridges and the address", 60)


async def test_behind_the_switch_no_port_of_the_machine_is_reached(
    engine: tests_engine.Engine,
) -> None:
    """The switch's public bridge is a link of the network in which OVN's databases listen."""
    world, gateway = tests_border.world_of(engine.told), "172.24.4.1"
    with tests_border.plugged(world, "to-guest", "172.24.4.77", gateway) as guest:
        await on_machine(engine, "ovn", "ovs-vsctl --timeout=10 add-port br-ex to-guest")

        async def pings() -> bool:
            return await asyncio.to_thread(guest.does, tests_border.pings, gateway)

        await engine.until(pings, "an answer of the gateway", 60)
        with tests_border.listening(world, 11211, 16509):
            ports = await asyncio.to_thread(tests_border.listened, world)
            assert {6641, 6642, 11211, 16509} <= ports
            own = {(str(engine.told.address), port) for port in ports}
            every = own | {(gateway, port) for port in ports}
            assert await asyncio.to_thread(guest.reaches, every) == set()
            for port in ports:
                balanced = {"type": "LoadBalancer", "ports": [{"port": port}]}
                await engine.apply(kinds.SERVICE, f"open-{port}", spec=balanced)

            async def reached() -> bool:
                return await asyncio.to_thread(guest.reaches, own) == own

            await engine.until(reached, "the same ports, once they are meant for tenants", 60)


async def test_the_machine_tells_what_was_found_by_looking(engine: tests_engine.Engine) -> None:
    async def told() -> Any:
        status = (await engine.get(kinds.HYPERVISOR, "hv1"))["status"]
        return status if "libvirt" in status.get("facts", {}) else None

    status = await engine.until(told, "facts")
    assert status["datapath"] in {"system", "netdev"}
    for name in ("libvirt", "qemu", "openvswitch", "ovn"):
        assert status["facts"][name].count(".") >= 1
