"""Who is a service to Keystone, and what is inside OpenStack? `account`, `catalog`, `inside`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta

from ouranos.kit import conditions, kinds, objects, outcome
from ouranos.openstack import (
    actuator,
    client,
    configuration,
    environment,
    identity,
    inventory,
    resources,
)
from ouranos.services import content, page, work

AGAIN = timedelta(seconds=60)
"""How often what is outside Kubernetes is looked at, where nothing tells of a change."""


async def account(work_: work.Work) -> outcome.Outcome:
    """The service's user is in Keystone, with its password and roles."""
    missing = [name for name in work_.page.needs if name not in work_.scope.present]
    if missing:
        return outcome.wait(f"{' and '.join(missing)}, which {work_.page.name} needs, to exist")
    wanted = work_.page.identity
    if wanted.user is None:
        return outcome.DONE
    secret = work_.held(kinds.SECRET, work_.secret("user"))
    if secret is None:
        return outcome.wait(f"Secret/{work_.secret('user')} to be made")
    user = identity.User(wanted.user, content.of(secret)["password"])
    roles = (*wanted.roles, "", *wanted.system_roles)
    return await _checked(
        work_,
        "account",
        f"{user.fingerprint} {roles}",
        lambda session: _account(work_, session, user),
    )


async def _account(work_: work.Work, session: client.Session, user: identity.User) -> None:
    house = actuator.mark_of(work_.scope.namespace, "keystone")
    project = await actuator.ensure(
        identity.Projects(session), configuration.SERVICE_PROJECT, house
    )
    found = await actuator.ensure(identity.Users(session), user, work_.mark)
    roles = identity.Roles(session)
    granted = await roles.granted(found["id"])
    wanted = work_.page.identity
    pairs = [(role, project["id"]) for role in wanted.roles]
    for role, place in [*pairs, *((role, None) for role in wanted.system_roles)]:
        if (role, place) not in granted:
            await roles.grant(role, found["id"], place)


async def catalog(work_: work.Work) -> outcome.Outcome:
    """The catalogue says where the service answers, inside and outside."""
    urls: dict[page.Endpoint, dict[str, str]] = {}
    for endpoint in work_.page.identity.endpoints:
        public = public_host(work_, endpoint.service)
        if public is None:
            return outcome.wait(f"Service/{endpoint.service} to have an address for the public")
        urls[endpoint] = addresses(endpoint, public)
    first = next(iter(urls), None)
    if first:
        work_.pass_.status["endpoints"] = {
            "public": urls[first]["public"].removesuffix(first.path),
            "internal": urls[first]["internal"].removesuffix(first.path),
        }
    content_ = f"{work_.scope.region} {sorted(str(item) for item in urls.items())}"
    return await _checked(
        work_, "catalog", content_, lambda session: _catalog(work_, session, urls)
    )


def addresses(endpoint: page.Endpoint, public: str) -> dict[str, str]:
    """The URLs of a catalogue entry, by interface."""
    inside = f"http://{endpoint.service}:{endpoint.port}{endpoint.path}"
    outside = f"http://{public}:{endpoint.port}{endpoint.path}"
    return {"public": outside, "internal": inside, "admin": inside}


def public_host(work_: work.Work, service: str) -> str | None:
    """The host that people outside reach a Service by."""
    given = work_.scope.spec.get("publicHost")
    if given:
        return str(given)
    found = work_.held(kinds.SERVICE, service)
    for ingress in objects.entries(found or {}, "status", "loadBalancer", "ingress"):
        if place := ingress.get("ip") or ingress.get("hostname"):
            return str(place)
    return None


async def _catalog(
    work_: work.Work, session: client.Session, urls: dict[page.Endpoint, dict[str, str]]
) -> None:
    house = actuator.mark_of(work_.scope.namespace, "keystone")
    await actuator.ensure(identity.Regions(session), work_.scope.region, house)
    for endpoint, by_interface in urls.items():
        entry = identity.Entry(endpoint.type, endpoint.name or work_.page.name)
        found = await actuator.ensure(identity.Entries(session), entry, work_.mark)
        known = identity.Urls(session)
        for interface, url in by_interface.items():
            wanted = identity.Url(found["id"], interface, work_.scope.region, url)
            await actuator.ensure(known, wanted, work_.mark)


async def inside(work_: work.Work) -> outcome.Outcome:
    """What the page wants to exist inside OpenStack exists, once."""
    wanted = work_.page.inside(work_.scope)
    if not wanted:
        return outcome.DONE
    content_ = str([asdict(item) for item in wanted])
    return await _checked(
        work_, "inside", content_, lambda session: _inside(work_, session, wanted)
    )


async def _inside(
    work_: work.Work, session: client.Session, wanted: tuple[resources.Resource, ...]
) -> None:
    proof = work_.page.proof
    base = work_.base(proof.service, proof.port) or ""
    for resource in wanted:
        await _one(work_, session, base, resource)


async def _one(
    work_: work.Work, session: client.Session, base: str, resource: resources.Resource
) -> None:
    mark = work_.mark
    match resource:
        case resources.Flavor():
            await actuator.ensure(inventory.Flavors(session, base), resource, mark)
        case resources.VolumeType():
            project_id = (await session.token()).project_id
            types = inventory.VolumeTypes(session, base, project_id)
            await actuator.ensure(types, resource, mark)
        case resources.ProviderNetwork():
            network = await actuator.ensure(inventory.Networks(session, base), resource, mark)
            subnets = inventory.Subnets(session, base, network["id"])
            await actuator.ensure(subnets, resource, mark)
        case resources.Role():
            await actuator.ensure(identity.Roles(session), resource.name, mark)
        case resources.Domain():
            await actuator.ensure(identity.Domains(session), resource.name, mark)


async def health(work_: work.Work) -> outcome.Outcome:
    """A request from outside is answered as by a service that works."""
    proof = work_.page.proof
    base = work_.base(proof.service, proof.port)
    if base is None:
        return outcome.wait(f"Service/{proof.service} to have an address")
    session = work_.session()
    if isinstance(session, outcome.Outcome):
        return session
    name = work_.page.name

    async def looked() -> outcome.Outcome:
        project = (await session.token()).project_id
        for request in proof.requests:
            path = request.path.replace("{project_id}", project)
            answer = await session.get(f"{base}{path}", missing_is_none=False)
            if complaint := request.complaint(answer):
                return outcome.wait(f"GET {path} of {name}: {complaint}", poll=POLL)
        return outcome.DONE

    return await work_.pass_.look(HEALTH, base, looked, AGAIN)


POLL = timedelta(seconds=1)
HEALTH = "health"


async def _checked(
    work_: work.Work,
    what: str,
    content_: str,
    look: Callable[[client.Session], Awaitable[None]],
) -> outcome.Outcome:
    """Look at something in OpenStack, unless the same was found right a moment ago."""
    if work_.page.name != "keystone":
        keystone = work_.held(kinds.KEYSTONE, "keystone")
        if keystone is None or not conditions.is_true(keystone, "Available"):
            return outcome.wait("Keystone/keystone to be Available")
    session = work_.session()
    if isinstance(session, outcome.Outcome):
        return session
    content_ = f"{session.keystone} {environment.secret_name('keystone', 'admin')} {content_}"

    async def looked() -> outcome.Outcome:
        await look(session)
        return outcome.DONE

    return await work_.pass_.look(what, content_, looked, AGAIN)
