"""What does OpenStack know of a machine, and may it place guests there? Asks it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from ouranos.kit import objects, outcome
from ouranos.kit.objects import Object
from ouranos.openstack import client

_WITH_FIGURES: Final = "compute 2.87"
"""The last microversion whose hypervisors tell processors, memory and guests."""
_RESOURCES: Final = frozenset({"VCPU", "MEMORY_MB", "DISK_GB"})
_AGENTS: Final = frozenset({"ovn-controller", "neutron-ovn-agent"})
"""By the names that Neutron gives them."""
LOOK_AGAIN: Final = timedelta(seconds=3)
GUESTS_AGAIN: Final = timedelta(seconds=15)
REFRESH: Final = timedelta(minutes=1)


class Requests(Protocol):
    """The part of `openstack.client.Session` that is used here."""

    async def get(
        self, url: str, *, version: str | None = None, missing_is_none: bool = True
    ) -> Any:
        """Return the JSON answer to a GET; None where nothing is there."""
        ...

    async def put(self, url: str, body: Any = None) -> Any:
        """Return the JSON answer to a PUT."""
        ...

    async def delete(self, url: str) -> None:
        """Delete a thing; that it is gone already is fine."""
        ...


@dataclass(frozen=True, slots=True)
class Nova:
    """Nova's API, Placement's and Neutron's, as far as hypervisors go."""

    requests: Requests
    base: str
    placement: str
    neutron: str

    async def hypervisor(self, host: str) -> Object | None:
        """Return the hypervisor of a machine, which may have a name of its own (its FQDN)."""
        url = f"{self.base}/v2.1/os-hypervisors/detail"
        answer = await self.requests.get(url, version=_WITH_FIGURES, missing_is_none=False)
        found: list[Object] = objects.entries(answer, "hypervisors")
        return next((one for one in found if one["service"]["host"] == host), None)

    async def service(self, host: str) -> Object | None:
        """Return Nova's record of the machine's nova-compute."""
        url = f"{self.base}/v2.1/os-services?binary=nova-compute&host={host}"
        answer = await self.requests.get(url, missing_is_none=False)
        found: list[Object] = objects.entries(answer, "services")
        return next((one for one in found if one["host"] == host), None)

    async def guests(self, host: str) -> set[str]:
        """Return the identities of the guests that live on a machine, whatever they do."""
        url = f"{self.base}/v2.1/servers?all_tenants=1&host={host}"
        answer = await self.requests.get(url, missing_is_none=False)
        return {one["id"] for one in objects.entries(answer, "servers")}

    async def guest(self, identity: str) -> Object | None:
        """Return a guest; None where it is none, for room is also taken by what moves."""
        found = await self.requests.get(f"{self.base}/v2.1/servers/{identity}")
        return None if found is None else found["server"]

    async def allocations(self, hypervisor: str) -> set[str]:
        """Return for whom room is taken: also for guests that are only on their way."""
        url = f"{self.placement}/resource_providers/{hypervisor}/allocations"
        return set(objects.mapping(await self.requests.get(url) or {}, "allocations"))

    async def resources(self, hypervisor: str) -> set[str]:
        """Return what a machine has told Placement that it has room for."""
        url = f"{self.placement}/resource_providers/{hypervisor}/inventories"
        return set(objects.mapping(await self.requests.get(url) or {}, "inventories"))

    async def agents(self, host: str) -> list[Object]:
        """Return what Neutron knows of a machine's agents."""
        url = f"{self.neutron}/v2.0/agents?host={host}"
        return objects.entries(await self.requests.get(url, missing_is_none=False), "agents")

    async def disable(self, host: str, reason: str) -> None:
        """Place no new guests on a machine."""
        body = {"host": host, "binary": "nova-compute", "disabled_reason": reason}
        await self.requests.put(f"{self.base}/v2.1/os-services/disable-log-reason", body)

    async def enable(self, host: str) -> None:
        """Place guests on a machine again."""
        body = {"host": host, "binary": "nova-compute"}
        await self.requests.put(f"{self.base}/v2.1/os-services/enable", body)


def facts(hypervisor: Object) -> Object:
    """Return what the status tells of Nova's record."""
    version: int = hypervisor.get("hypervisor_version") or 0
    return {
        "id": hypervisor["id"],
        "state": hypervisor.get("state", ""),
        "scheduling": hypervisor.get("status", ""),
        "qemu": f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}",
        "vcpus": hypervisor.get("vcpus", 0),
        "memoryMiB": hypervisor.get("memory_mb", 0),
        "diskGiB": hypervisor.get("local_gb", 0),
        "vcpusUsed": hypervisor.get("vcpus_used", 0),
        "memoryUsedMiB": hypervisor.get("memory_mb_used", 0),
        "guests": hypervisor.get("running_vms", 0),
    }


async def close(nova: Nova, host: str, mark: str) -> bool:
    """Place no new guests on a machine that leaves.

    Args:
        nova: the API.
        host: the machine.
        mark: the reason by which our own disabling is known.

    Returns:
        Whether Nova had to be told: then it may just be placing one.
    """
    service = await nova.service(host)
    if service is None or service.get("status") == "disabled":
        return False
    await nova.disable(host, mark)
    return True


async def guests(nova: Nova, host: str) -> int:
    """Return how many guests a machine has, or is to have.

    Room is also taken for guests that were evacuated, until Nova forgets the machine. They live
    elsewhere, and move no more.
    """
    living = await nova.guests(host)
    hypervisor = await nova.hypervisor(host)
    taken = await nova.allocations(hypervisor["id"]) if hypervisor else set[str]()
    for identity in sorted(taken - living):
        found = await nova.guest(identity)
        if found is None or not _lives_elsewhere(found, host):
            living.add(identity)
    return len(living)


def _lives_elsewhere(guest: Object, host: str) -> bool:
    return guest.get("OS-EXT-SRV-ATTR:host") not in (None, "", host) and not (
        guest.get("OS-EXT-STS:task_state")
    )


async def forget(nova: Nova, host: str, provider: str) -> outcome.Outcome:
    """Let neither Nova nor Placement know of a machine that has left.

    Otherwise Nova refuses who comes in its place.

    Args:
        nova: the API.
        host: the machine, which has neither guests nor agents of its own.
        provider: what Nova and Placement know it by; empty where it never came that far.
    """
    service = await nova.service(host)
    places = [f"{nova.base}/v2.1/os-services/{service['id']}"] if service else []
    if provider:
        # Nova deletes it with the service, and says nothing where it cannot.
        places.append(f"{nova.placement}/resource_providers/{provider}")
    for place in places:
        try:
            await nova.requests.delete(place)
        except client.ClashError as error:
            return outcome.wait(f"OpenStack to let go of {host}: {error}", poll=LOOK_AGAIN)
    return outcome.DONE


async def disconnect(nova: Nova, host: str) -> None:
    """Let OVN not know of a machine any more, and keep no tunnel to where nobody is."""
    for agent in await nova.agents(host):
        await nova.requests.delete(f"{nova.neutron}/v2.0/agents/{agent['id']}")


async def registration(nova: Nova, host: str) -> outcome.Outcome:
    """Nova knows the machine, and says that it is up.

    A guest is refused for good where Placement knows of no room yet, or Neutron of no agent. So
    both are asked as well.

    Args:
        nova: the API.
        host: the machine.

    Returns:
        What is awaited; with the facts that Nova told.
    """
    hypervisor = await nova.hypervisor(host)
    if hypervisor is None:
        return outcome.wait(f"Nova to list hypervisor {host}", poll=LOOK_AGAIN)
    found = outcome.Outcome(found=facts(hypervisor))
    if hypervisor.get("state") != "up":
        told = f"Nova to hear from hypervisor {host}, which it says is {hypervisor.get('state')}"
        return found | outcome.wait(told, poll=LOOK_AGAIN)
    return found | await _room(nova, host, hypervisor["id"])


async def _room(nova: Nova, host: str, hypervisor: str) -> outcome.Outcome:
    """A guest that is placed there would find room and a network."""
    unknown = _RESOURCES - await nova.resources(hypervisor)
    if unknown:
        told = f"Placement to hear of {' and '.join(sorted(unknown))} on {host}"
        return outcome.wait(told, poll=LOOK_AGAIN)
    missing = _AGENTS - {one["binary"] for one in await nova.agents(host) if one.get("alive")}
    if missing:
        told = f"Neutron to hear from {' and '.join(sorted(missing))} on {host}"
        return outcome.wait(told, poll=LOOK_AGAIN)
    return outcome.DONE


async def schedule(nova: Nova, host: str, wanted: str, mark: str) -> outcome.Outcome:
    """Let guests come as the spec says; what an operator has disabled by hand stays disabled.

    Args:
        nova: the API.
        host: the machine.
        wanted: `Enabled` or `Disabled`.
        mark: the reason by which our own disabling is known.
    """
    service = await nova.service(host)
    if service is None:
        # It would come with scheduling enabled.
        told = f"Nova to know nova-compute on {host}, to place no guests there"
        return outcome.DONE if wanted == "Enabled" else outcome.wait(told, poll=LOOK_AGAIN)
    disabled = service.get("status") == "disabled"
    if wanted == "Disabled" and not disabled:
        await nova.disable(host, mark)
    elif wanted == "Enabled" and disabled and service.get("disabled_reason") == mark:
        await nova.enable(host)
    return outcome.DONE
