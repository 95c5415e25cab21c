"""How are flavors, volume types and the public network kept as they should be?

Asked by the step `inside`. Each class is an actuator of one kind of thing.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ouranos.kit import objects
from ouranos.openstack import actuator, client, resources

_DESCRIBED_FLAVORS = "compute 2.61"
"""Since this microversion a flavor's answer has its description, also in lists with details."""


class Flavors:
    """Sizes of servers, by name. Nova lets nobody change one."""

    def __init__(self, session: client.Session, nova: str) -> None:
        """Speak to Nova at a base URL."""
        self._session = session
        self._base = f"{nova}/v2.1/flavors"

    def title(self, wanted: resources.Flavor) -> str:
        """See `actuator.Actuator`."""
        return f"flavor {wanted.name}"

    async def named(self, wanted: resources.Flavor) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        answer = await self._session.get(
            f"{self._base}/detail?is_public=None",
            version=_DESCRIBED_FLAVORS,
            missing_is_none=False,
        )
        return [one for one in answer["flavors"] if one["name"] == wanted.name]

    def mark(self, found: actuator.Found) -> str:
        """See `actuator.Actuator`."""
        return found.get("description") or ""

    async def create(self, wanted: resources.Flavor, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        body = {
            "name": wanted.name,
            "vcpus": wanted.vcpus,
            "ram": wanted.memory,
            "disk": wanted.disk,
            "description": mark,
        }
        answer = await self._session.post(self._base, {"flavor": body}, version=_DESCRIBED_FLAVORS)
        return answer["flavor"]

    def changes(self, wanted: resources.Flavor, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted, found
        return {}

    async def update(self, found: actuator.Found, changes: Mapping[str, Any]) -> actuator.Found:
        """See `actuator.Actuator`."""
        del changes
        return found


class VolumeTypes:
    """Kinds of volumes, by name."""

    def __init__(self, session: client.Session, cinder: str, project_id: str) -> None:
        """Speak to Cinder at a base URL, in the caller's project."""
        self._session = session
        self._base = f"{cinder}/v3/{project_id}/types"

    def title(self, wanted: resources.VolumeType) -> str:
        """See `actuator.Actuator`."""
        return f"volume type {wanted.name}"

    async def named(self, wanted: resources.VolumeType) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        answer = await self._session.get(f"{self._base}?is_public=None", missing_is_none=False)
        return [one for one in answer["volume_types"] if one["name"] == wanted.name]

    def mark(self, found: actuator.Found) -> str:
        """See `actuator.Actuator`."""
        return found.get("description") or ""

    async def create(self, wanted: resources.VolumeType, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        body = {
            "name": wanted.name,
            "description": mark,
            "os-volume-type-access:is_public": True,
            "extra_specs": {"volume_backend_name": wanted.backend},
        }
        return (await self._session.post(self._base, {"volume_type": body}))["volume_type"]

    def changes(self, wanted: resources.VolumeType, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        wished = {"volume_backend_name": wanted.backend}
        present = objects.mapping(found, "extra_specs")
        return {} if wished.items() <= present.items() else {"extra_specs": wished}

    async def update(self, found: actuator.Found, changes: Mapping[str, Any]) -> actuator.Found:
        """See `actuator.Actuator`."""
        url = f"{self._base}/{found['id']}/extra_specs"
        await self._session.post(url, {"extra_specs": changes["extra_specs"]})
        return {**found, **changes}


class Networks:
    """Networks of the operator's, by name."""

    def __init__(self, session: client.Session, neutron: str) -> None:
        """Speak to Neutron at a base URL."""
        self._session = session
        self._base = f"{neutron}/v2.0/networks"

    def title(self, wanted: resources.ProviderNetwork) -> str:
        """See `actuator.Actuator`."""
        return f"network {wanted.name}"

    async def named(self, wanted: resources.ProviderNetwork) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`. A tenant's network of that name is nobody's concern."""
        query = urllib.parse.urlencode({"name": wanted.name, "router:external": "true"})
        answer = await self._session.get(f"{self._base}?{query}", missing_is_none=False)
        return [one for one in answer["networks"] if one["name"] == wanted.name]

    def mark(self, found: actuator.Found) -> str:
        """See `actuator.Actuator`."""
        return found.get("description") or ""

    async def create(self, wanted: resources.ProviderNetwork, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        body = {
            "name": wanted.name,
            "description": mark,
            "router:external": True,
            "provider:network_type": "flat",
            "provider:physical_network": wanted.physical,
        }
        return (await self._session.post(self._base, {"network": body}))["network"]

    def changes(
        self, wanted: resources.ProviderNetwork, found: actuator.Found
    ) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted
        wished = {"admin_state_up": True, "router:external": True}
        return {key: value for key, value in wished.items() if found.get(key) != value}

    async def update(self, found: actuator.Found, changes: Mapping[str, Any]) -> actuator.Found:
        """See `actuator.Actuator`."""
        url = f"{self._base}/{found['id']}"
        return (await self._session.put(url, {"network": dict(changes)}))["network"]


class Subnets:
    """The one subnet of a provider network."""

    def __init__(self, session: client.Session, neutron: str, network_id: str) -> None:
        """Speak to Neutron at a base URL about one network."""
        self._session = session
        self._base = f"{neutron}/v2.0/subnets"
        self._network_id = network_id

    def title(self, wanted: resources.ProviderNetwork) -> str:
        """See `actuator.Actuator`."""
        return f"subnet {wanted.name}"

    async def named(self, wanted: resources.ProviderNetwork) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        query = urllib.parse.urlencode({"network_id": self._network_id, "name": wanted.name})
        answer = await self._session.get(f"{self._base}?{query}", missing_is_none=False)
        return [one for one in answer["subnets"] if one["name"] == wanted.name]

    def mark(self, found: actuator.Found) -> str:
        """See `actuator.Actuator`."""
        return found.get("description") or ""

    async def create(self, wanted: resources.ProviderNetwork, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        start, end = wanted.pool
        body = {
            "name": wanted.name,
            "description": mark,
            "network_id": self._network_id,
            "ip_version": 4,
            "cidr": wanted.cidr,
            "gateway_ip": wanted.gateway,
            "enable_dhcp": False,
            "allocation_pools": [{"start": start, "end": end}],
        }
        return (await self._session.post(self._base, {"subnet": body}))["subnet"]

    def changes(
        self, wanted: resources.ProviderNetwork, found: actuator.Found
    ) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        wished: dict[str, Any] = {"gateway_ip": wanted.gateway}
        return {key: value for key, value in wished.items() if found.get(key) != value}

    async def update(self, found: actuator.Found, changes: Mapping[str, Any]) -> actuator.Found:
        """See `actuator.Actuator`."""
        url = f"{self._base}/{found['id']}"
        return (await self._session.put(url, {"subnet": dict(changes)}))["subnet"]
