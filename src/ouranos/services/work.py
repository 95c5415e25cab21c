"""What does one pass over a service have in its hands? Read once, given to every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ouranos.kit import address, conditions, controller, errors, kinds, objects, outcome
from ouranos.openstack import actuator, client, configuration, environment, sessions
from ouranos.services import content, page

ADMIN = environment.secret_name("keystone", "admin")
"""The Secret of the cloud's admin."""


@dataclass(frozen=True, slots=True)
class Work:
    """One pass over the object of one page."""

    page: page.Service
    scope: page.Scope
    pass_: controller.Pass
    sessions: sessions.Sessions
    texts: dict[str, str] = field(default_factory=dict[str, str], compare=False)
    """The service's files, once somebody has asked `files.of` for them."""

    @property
    def mark(self) -> str:
        """The ownership mark of what this object makes inside OpenStack."""
        return actuator.mark_of(self.scope.namespace, self.page.name)

    def held(self, kind: objects.Kind, name: str) -> objects.Object | None:
        """An object of the same namespace, as the cache has it."""
        return self.pass_.cache.get(kind, name, self.scope.namespace)

    def secret(self, credential: str) -> str:
        """The name of a credential's Secret; `service/credential` names another service's."""
        service, _, own = credential.rpartition("/")
        return environment.secret_name(service or self.page.name, own)

    def base(self, service: str, port: int) -> str | None:
        """The base URL by which this process reaches a Service, if it has an address."""
        place = address.of_service(self.pass_.cache, self.scope.namespace, service, port)
        return f"http://{place[0]}:{place[1]}" if place else None

    def session(self) -> client.Session | outcome.Outcome:
        """The admin's session with this cloud, or what has to come before it."""
        secret = self.held(kinds.SECRET, ADMIN)
        if secret is None:
            return outcome.wait(f"Secret/{ADMIN} to be made")
        base = self.base("keystone", 5000)
        if base is None:
            return outcome.wait("Service/keystone to have an address")
        found = content.of(secret)
        login = client.Login(found["username"], found["password"], "admin")
        clock = self.pass_.seams.clock
        return self.sessions.admin(self.scope.namespace, base, login, clock)


def scope_of(
    service: page.Service, pass_: controller.Pass, names: dict[str, objects.Kind]
) -> page.Scope:
    """What the page's functions may know, out of the object and the cache.

    Args:
        service: The page.
        pass_: The pass, with the object.
        names: All services that there are, with their kinds.
    """
    spec: dict[str, Any] = pass_.object["spec"]
    namespace = pass_.key.namespace
    present = [
        name for name, kind in names.items() if pass_.cache.get(kind, name, namespace) is not None
    ]
    north, south = _ovn(pass_, spec) if service.ovn else ("", "")
    return page.Scope(
        namespace=namespace,
        release=spec["release"],
        region=spec["region"],
        replicas=spec.get("replicas", 1),
        spec=spec,
        present=frozenset(present),
        memcached=_memcached(pass_, spec),
        northbound=north,
        southbound=south,
    )


def _memcached(pass_: controller.Pass, spec: dict[str, Any]) -> str:
    name = _reference(spec, "memcachedRef", "memcached")
    status = objects.mapping(
        pass_.cache.get(kinds.MEMCACHED, name, pass_.key.namespace) or {}, "status"
    )
    if "host" in status and "port" in status:
        return f"{status['host']}:{status['port']}"
    return configuration.MEMCACHED


def _ovn(pass_: controller.Pass, spec: dict[str, Any]) -> tuple[str, str]:
    name = _reference(spec, "ovnRef", "ovn")
    ovn = pass_.cache.get(kinds.OVN, name, pass_.key.namespace)
    status = objects.mapping(ovn or {}, "status")
    north = _resolved(pass_, str(status.get("northbound") or ""))
    south = _resolved(pass_, str(status.get("southbound") or ""))
    return north, south


def _resolved(pass_: controller.Pass, connection: str) -> str:
    """A connection such as `tcp:ovn-nb:6641` with the Service's address for its name."""
    if not connection:
        return ""
    method, host, port = connection.split(":", 2)
    if "." in host:
        return connection
    place = address.of_service(pass_.cache, pass_.key.namespace, host, int(port))
    return f"{method}:{place[0]}:{place[1]}" if place else ""


def _reference(spec: dict[str, Any], field: str, usual: str) -> str:
    return objects.mapping(spec, "backing", field).get("name", usual)


def reference(scope: page.Scope, field: str, usual: str) -> str:
    """The name that a reference in `spec.backing` gives."""
    return _reference(dict(scope.spec), field, usual)


def refuse(message: str) -> errors.Terminal:
    """An error of the spec, to be raised."""
    return errors.Terminal(conditions.Reason.INVALID_SPEC, message)
