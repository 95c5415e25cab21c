"""How is a running OpenStack spoken to? A thin client; its errors are sorted here, once.

Asked by the steps of `ouranos.services` and `ouranos.compute`. Addresses are given with each call,
because controllers do not resolve the names in the catalogue (see ADR 0010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec

from ouranos.kit import conditions, effects, errors, metrics, seams
from ouranos.openstack import configuration

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
PORTS = {
    5000: "keystone",
    8774: "nova",
    8776: "cinder",
    8778: "placement",
    9292: "glance",
    9696: "neutron",
}
"""What a metric calls the service at a port."""

TOKEN_MARGIN = timedelta(minutes=5)
"""A token is renewed this long before it ends."""

_UNAUTHORIZED = 401
_NOT_FOUND = 404
_CONFLICT = 409
_NOT_IMPLEMENTED = 501
_FIRST_ERROR = 400
_MESSAGE_LIMIT = 300


class ClashError(errors.Terminal):
    """OpenStack says that what is to be made is there already, or in use."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who speaks: a user of the default domain, on one project."""

    username: str
    password: str
    project: str


@dataclass(frozen=True, slots=True)
class Token:
    """What Keystone gave for a login."""

    value: str
    project_id: str
    expires: datetime


class Session:
    """Requests of one user to one cloud, with a token that is renewed when it ends."""

    def __init__(
        self, http: httpx2.AsyncClient, keystone: str, login: Login, clock: seams.Clock
    ) -> None:
        """Prepare a session; nothing is sent before the first request.

        Args:
            http: Carries the requests.
            keystone: Keystone's base URL, without `/v3`.
            login: Who speaks.
            clock: Tells when the token ends.
        """
        self.keystone = keystone
        self.login = login
        self._http = http
        self._clock = clock
        self._token: Token | None = None

    async def token(self) -> Token:
        """A token that is good for some minutes more.

        Raises:
            errors.Transient: Keystone did not answer, or refused the login.
        """
        if self._token is None or self._clock.now() >= self._token.expires - TOKEN_MARGIN:
            self._token = await self._log_in()
        return self._token

    async def get(
        self, url: str, *, version: str | None = None, missing_is_none: bool = True
    ) -> Any:
        """The JSON answer to a GET; None where nothing is there."""
        return await self._call("GET", url, None, version, missing_is_none=missing_is_none)

    async def post(self, url: str, body: Any, *, version: str | None = None) -> Any:
        """The JSON answer to a POST."""
        return await self._call("POST", url, body, version, missing_is_none=False)

    async def put(self, url: str, body: Any = None) -> Any:
        """The JSON answer to a PUT; None where it has no body."""
        return await self._call("PUT", url, body, None, missing_is_none=False)

    async def patch(self, url: str, body: Any) -> Any:
        """The JSON answer to a PATCH."""
        return await self._call("PATCH", url, body, None, missing_is_none=False)

    async def delete(self, url: str) -> None:
        """Delete a thing; that it is gone already is fine."""
        await self._call("DELETE", url, None, None, missing_is_none=True)

    async def _call(
        self, method: str, url: str, body: Any, version: str | None, *, missing_is_none: bool
    ) -> Any:
        if method != "GET":
            effects.note()
        headers = {"OpenStack-API-Version": version} if version else {}
        response = await self._sent(method, url, body, headers)
        if response.status_code == _UNAUTHORIZED:
            # The token was revoked, or its user made anew: once more with a new one.
            self._token = None
            response = await self._sent(method, url, body, headers)
        if response.status_code == _NOT_FOUND and missing_is_none:
            return None
        check(response)
        return msgspec.json.decode(response.content) if response.content else None

    async def _sent(
        self, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> httpx2.Response:
        token = await self.token()
        return await send(self._http, method, url, body, {**headers, "X-Auth-Token": token.value})

    async def _log_in(self) -> Token:
        response = await send(
            self._http, "POST", f"{self.keystone}/v3/auth/tokens", _login(self.login), {}
        )
        check(response)
        token = msgspec.json.decode(response.content)["token"]
        return Token(
            value=response.headers["X-Subject-Token"],
            project_id=token["project"]["id"],
            expires=datetime.fromisoformat(token["expires_at"]),
        )


def _login(login: Login) -> dict[str, Any]:
    domain = {"id": configuration.DOMAIN}
    user = {"name": login.username, "domain": domain, "password": login.password}
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": login.project, "domain": domain}},
        }
    }


async def send(
    http: httpx2.AsyncClient, method: str, url: str, body: Any, headers: Mapping[str, str]
) -> httpx2.Response:
    """The whole answer to one request.

    Raises:
        errors.Unreachable: There was no answer in time.
    """
    content = None if body is None else msgspec.json.encode(body)
    # Who asks for a token changes nothing; nor does who reads.
    traced = method != "GET" and "X-Auth-Token" in headers
    extensions = {"trace": effects.when_sent} if traced else {}
    sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    service = PORTS.get(httpx2.URL(url).port or 0, "other")
    try:
        answer = await http.request(
            method, url, content=content, headers=sent, timeout=TIMEOUT, extensions=extensions
        )
    except httpx2.TransportError as error:
        metrics.EXTERNAL_CALLS.add(service, method, "none")
        raise errors.Unreachable(f"{method} {url}: {type(error).__name__} {error}") from error
    metrics.EXTERNAL_CALLS.add(service, method, str(answer.status_code))
    return answer


def check(response: httpx2.Response) -> None:
    """Raise what an answer means, if it is an error.

    Raises:
        ClashError: 409, unless a quota is meant. errors.Terminal: 501, which stays so.
        errors.Transient: Everything else; OpenStack answers 400 too while a dependency is not
        ready.
    """
    if response.status_code < _FIRST_ERROR:
        return
    request = response.request
    said = " ".join(response.text.split())[:_MESSAGE_LIMIT]
    message = f"{request.method} {request.url}: {response.status_code} {said}"
    if response.status_code == _CONFLICT and "quota" not in said.lower():
        raise ClashError(conditions.Reason.UNRECOVERABLE, message)
    if response.status_code == _NOT_IMPLEMENTED:
        raise errors.Terminal(conditions.Reason.UNRECOVERABLE, message)
    raise errors.Transient(message)
