"""How are users, roles, regions and the catalogue in Keystone kept as they should be?

Asked by the steps `account` and `catalog`. Each class is an actuator of one kind of thing.
"""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ouranos.kit import errors, objects
from ouranos.openstack import actuator, client, configuration

INTERFACES = ("public", "internal", "admin")
_FINGERPRINT = "ouranos_password"


@dataclass(frozen=True, slots=True)
class User:
    """A service's user."""

    name: str
    password: str

    @property
    def fingerprint(self) -> str:
        """Tells whether the user has this password and betrays none of its 190 bits."""
        return hashlib.sha256(f"{self.name}\0{self.password}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Entry:
    """A service of the catalogue."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Url:
    """One address of a service of the catalogue."""

    service_id: str
    interface: str
    region: str
    url: str


class _Keystone:
    """A collection of Keystone's API whose members are found by equal fields."""

    singular: str
    plural: str

    def __init__(self, session: client.Session) -> None:
        self.session = session
        self.base = f"{session.keystone}/v3"

    def mark(self, found: actuator.Found) -> str:
        """See `actuator.Actuator`."""
        return found.get("description") or ""

    async def update(self, found: actuator.Found, changes: Mapping[str, Any]) -> actuator.Found:
        """See `actuator.Actuator`."""
        identity = urllib.parse.quote(found["id"], safe="")
        url = f"{self.base}/{self.plural}/{identity}"
        return (await self.session.patch(url, {self.singular: dict(changes)}))[self.singular]

    async def _listed(self, **equal: str) -> list[actuator.Found]:
        query = urllib.parse.urlencode(equal)
        answer = await self.session.get(f"{self.base}/{self.plural}?{query}", missing_is_none=False)
        return answer[self.plural]

    async def _made(self, **fields: Any) -> actuator.Found:
        answer = await self.session.post(f"{self.base}/{self.plural}", {self.singular: fields})
        return answer[self.singular]


class Projects(_Keystone):
    """Projects of the default domain, by name."""

    singular, plural = "project", "projects"

    def title(self, wanted: str) -> str:
        """See `actuator.Actuator`."""
        return f"project {wanted}"

    async def named(self, wanted: str) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        listed = await self._listed(name=wanted, domain_id=configuration.DOMAIN)
        return [one for one in listed if one["name"] == wanted]

    async def create(self, wanted: str, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(name=wanted, domain_id=configuration.DOMAIN, description=mark)

    def changes(self, wanted: str, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted
        return {} if found["enabled"] else {"enabled": True}


class Users(_Keystone):
    """Users of the default domain, by name."""

    singular, plural = "user", "users"

    def title(self, wanted: User) -> str:
        """See `actuator.Actuator`."""
        return f"user {wanted.name}"

    async def named(self, wanted: User) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        listed = await self._listed(name=wanted.name, domain_id=configuration.DOMAIN)
        return [one for one in listed if one["name"] == wanted.name]

    async def create(self, wanted: User, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(
            name=wanted.name,
            domain_id=configuration.DOMAIN,
            description=mark,
            **_secret(wanted),
        )

    def changes(self, wanted: User, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        enabled = {} if found["enabled"] else {"enabled": True}
        same = found.get(_FINGERPRINT) == wanted.fingerprint
        return enabled if same else {**enabled, **_secret(wanted)}


def _secret(wanted: User) -> dict[str, Any]:
    return {"password": wanted.password, _FINGERPRINT: wanted.fingerprint}


class Roles(_Keystone):
    """Roles of the whole cloud, by name."""

    singular, plural = "role", "roles"

    def title(self, wanted: str) -> str:
        """See `actuator.Actuator`."""
        return f"role {wanted}"

    async def named(self, wanted: str) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        return [one for one in await self._listed(name=wanted) if one["name"] == wanted]

    async def create(self, wanted: str, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(name=wanted, description=mark)

    def changes(self, wanted: str, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted, found
        return {}

    async def grant(self, role: str, user_id: str, project_id: str | None) -> None:
        """Give a user a role on a project, or on the system. That it is given already is fine.

        Raises:
            errors.Transient: There is no such role yet.
        """
        found = await self.named(role)
        if not found:
            raise errors.Transient(f"role {role} does not exist")
        scope = f"projects/{project_id}" if project_id else "system"
        await self.session.put(f"{self.base}/{scope}/users/{user_id}/roles/{found[0]['id']}")

    async def granted(self, user_id: str) -> set[tuple[str, str | None]]:
        """Roles of a user, as pairs of the role's name and the project's ID (None: the system)."""
        query = urllib.parse.urlencode({"user.id": user_id, "include_names": "true"})
        answer = await self.session.get(
            f"{self.base}/role_assignments?{query}", missing_is_none=False
        )
        rows: list[dict[str, Any]] = answer["role_assignments"]
        return {
            (row["role"]["name"], objects.mapping(row, "scope", "project").get("id"))
            for row in rows
        }


class Domains(_Keystone):
    """Domains, by name."""

    singular, plural = "domain", "domains"

    def title(self, wanted: str) -> str:
        """See `actuator.Actuator`."""
        return f"domain {wanted}"

    async def named(self, wanted: str) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        return [one for one in await self._listed(name=wanted) if one["name"] == wanted]

    async def create(self, wanted: str, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(name=wanted, description=mark)

    def changes(self, wanted: str, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted
        return {} if found["enabled"] else {"enabled": True}


class Regions(_Keystone):
    """Regions, whose ID is their name."""

    singular, plural = "region", "regions"

    def title(self, wanted: str) -> str:
        """See `actuator.Actuator`."""
        return f"region {wanted}"

    async def named(self, wanted: str) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        identity = urllib.parse.quote(wanted, safe="")
        answer = await self.session.get(f"{self.base}/regions/{identity}")
        return [answer["region"]] if answer else []

    async def create(self, wanted: str, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(id=wanted, description=mark)

    def changes(self, wanted: str, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        del wanted, found
        return {}


class Entries(_Keystone):
    """Services of the catalogue, by type and name."""

    singular, plural = "service", "services"

    def title(self, wanted: Entry) -> str:
        """See `actuator.Actuator`."""
        return f"catalogue entry {wanted.type} ({wanted.name})"

    async def named(self, wanted: Entry) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        return [one for one in await self._listed(type=wanted.type) if one["type"] == wanted.type]

    async def create(self, wanted: Entry, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        return await self._made(type=wanted.type, name=wanted.name, description=mark)

    def changes(self, wanted: Entry, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        wished = {"name": wanted.name, "enabled": True}
        return {key: value for key, value in wished.items() if found.get(key) != value}


class Urls(_Keystone):
    """Endpoints, by service, interface and region."""

    singular, plural = "endpoint", "endpoints"

    def __init__(self, session: client.Session) -> None:
        """Keep what has been listed, for one pass: an entry has three of them."""
        super().__init__(session)
        self._known: dict[str, list[actuator.Found]] = {}

    def title(self, wanted: Url) -> str:
        """See `actuator.Actuator`."""
        return f"{wanted.interface} endpoint {wanted.url}"

    async def named(self, wanted: Url) -> Sequence[actuator.Found]:
        """See `actuator.Actuator`."""
        if wanted.service_id not in self._known:
            self._known[wanted.service_id] = await self._listed(service_id=wanted.service_id)
        return [
            one
            for one in self._known[wanted.service_id]
            if (one["interface"], one["region_id"]) == (wanted.interface, wanted.region)
        ]

    async def create(self, wanted: Url, mark: str) -> actuator.Found:
        """See `actuator.Actuator`."""
        self._known.pop(wanted.service_id, None)
        return await self._made(
            service_id=wanted.service_id,
            interface=wanted.interface,
            region_id=wanted.region,
            url=wanted.url,
            description=mark,
        )

    def changes(self, wanted: Url, found: actuator.Found) -> Mapping[str, Any]:
        """See `actuator.Actuator`."""
        wished = {"url": wanted.url, "enabled": True}
        return {key: value for key, value in wished.items() if found.get(key) != value}
