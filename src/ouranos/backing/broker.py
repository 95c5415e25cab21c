"""What can be asked of a RabbitMQ server? The only module that knows its management API."""

import base64
import hashlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx2

from ouranos.kit import conditions, effects, errors

HASHING: Final = "rabbit_password_hashing_sha256"
_DIGESTS: Final = {HASHING: hashlib.sha256, "rabbit_password_hashing_sha512": hashlib.sha512}
_SALT_BYTES: Final = 4
_SECONDS: Final = 10.0
_UNAUTHORISED: Final = (401, 403)
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server's management API is, and as whom to speak to it."""

    host: str
    port: int
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class User:
    """A user as the server knows it."""

    tags: frozenset[str]
    password_hash: str
    hashing: str = HASHING

    def has(self, password: str) -> bool:
        """Whether this is the user's password."""
        salt = base64.b64decode(self.password_hash)[:_SALT_BYTES]
        return hashed(password, salt, self.hashing) == self.password_hash


class Server(Protocol):
    """A server that holds virtual hosts. Every method MUST be safe to call twice."""

    async def version(self) -> str:
        """Return the server's version; proves that it answers and admits us."""
        ...

    async def vhost(self, name: str) -> str | None:
        """Return a virtual host's description, or None if there is none of that name."""
        ...

    async def put_vhost(self, name: str, description: str) -> None:
        """Make a virtual host, or describe the present one so."""
        ...

    async def delete_vhost(self, name: str) -> None:
        """Destroy a virtual host with its queues, if it is there."""
        ...

    async def user(self, name: str) -> User | None:
        """Return a user, or None."""
        ...

    async def put_user(self, name: str, password: str, tags: frozenset[str]) -> None:
        """Make a user, or give the present one this password and these tags."""
        ...

    async def delete_user(self, name: str) -> None:
        """Remove a user, if it is there."""
        ...

    async def allows(self, vhost: str, username: str) -> bool:
        """Whether the user may do everything in the virtual host."""
        ...

    async def allow(self, vhost: str, username: str) -> None:
        """Let the user do everything in the virtual host."""
        ...


Connect = Callable[[Login], Server]

_EVERYTHING: Final = {"configure": ".*", "write": ".*", "read": ".*"}


def hashed(password: str, salt: bytes, hashing: str = HASHING) -> str:
    """Return a password as RabbitMQ keeps it (its documentation, "Credentials and Passwords")."""
    digest = _DIGESTS.get(hashing, hashlib.sha256)(salt + password.encode()).digest()
    return base64.b64encode(salt + digest).decode()


def salted(password: str, chance: Random) -> str:
    """Return a password as RabbitMQ keeps it, with a salt of its own."""
    return hashed(password, chance.randbytes(_SALT_BYTES))


def connect(login: Login) -> Server:
    """Return a server that is reached over the network; nothing is sent yet."""
    # The API speaks plain HTTP; loading the machine's certificates would cost 20 ms for nothing.
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Management(login, lambda: httpx2.AsyncHTTPTransport(verify=bare))


class Management:
    """A RabbitMQ server by its management API."""

    def __init__(self, login: Login, transport: Callable[[], httpx2.AsyncBaseTransport]) -> None:
        self._login = login
        self._transport = transport

    async def version(self) -> str:
        """Return the server's version; proves that it answers and admits us."""
        found = await self._ask("GET", "/overview?disable_stats=true&enable_queue_totals=true")
        return str((found or {}).get("rabbitmq_version", ""))

    async def vhost(self, name: str) -> str | None:
        """Return a virtual host's description, or None if there is none of that name."""
        found = await self._ask("GET", f"/vhosts/{_part(name)}")
        return None if found is None else str(found.get("description") or "")

    async def put_vhost(self, name: str, description: str) -> None:
        """Make a virtual host, or describe the present one so."""
        await self._ask("PUT", f"/vhosts/{_part(name)}", {"description": description})

    async def delete_vhost(self, name: str) -> None:
        """Destroy a virtual host with its queues, if it is there."""
        await self._ask("DELETE", f"/vhosts/{_part(name)}")

    async def user(self, name: str) -> User | None:
        """Return a user, or None."""
        found = await self._ask("GET", f"/users/{_part(name)}")
        if found is None:
            return None
        kept, hashing = found.get("password_hash"), found.get("hashing_algorithm")
        return User(frozenset(found.get("tags") or ()), str(kept or ""), str(hashing or HASHING))

    async def put_user(self, name: str, password: str, tags: frozenset[str]) -> None:
        """Make a user, or give the present one this password and these tags."""
        body = {"password": password, "tags": sorted(tags)}
        await self._ask("PUT", f"/users/{_part(name)}", body)

    async def delete_user(self, name: str) -> None:
        """Remove a user, if it is there."""
        await self._ask("DELETE", f"/users/{_part(name)}")

    async def allows(self, vhost: str, username: str) -> bool:
        """Whether the user may do everything in the virtual host."""
        found = await self._ask("GET", f"/permissions/{_part(vhost)}/{_part(username)}")
        return found is not None and all(found.get(k) == v for k, v in _EVERYTHING.items())

    async def allow(self, vhost: str, username: str) -> None:
        """Let the user do everything in the virtual host."""
        await self._ask("PUT", f"/permissions/{_part(vhost)}/{_part(username)}", _EVERYTHING)

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Return the answer's JSON, empty where it has none, or None for 404."""
        extensions: dict[str, Any] = {}
        if method != "GET":
            effects.note()
            extensions["trace"] = effects.when_sent
        login = self._login
        where = f"RabbitMQ at {login.host}:{login.port}"
        try:
            async with httpx2.AsyncClient(
                base_url=f"http://{login.host}:{login.port}/api",
                auth=(login.username, login.password),
                timeout=_SECONDS,
                transport=self._transport(),
                trust_env=False,
            ) as client:
                answer = await client.request(method, path, json=body, extensions=extensions)
        except httpx2.HTTPError as error:
            told = str(error) or type(error).__name__
            raise errors.Unreachable(f"{where} does not answer: {told}") from error
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code in _UNAUTHORISED:
            message = f"{where} refuses the user {login.username}"
            raise errors.Terminal(conditions.Reason.UNRECOVERABLE, message)
        if answer.is_error:
            raise errors.Transient(f"{where}: {method} {path} failed ({answer.status_code})")
        try:
            return answer.json() if answer.content else {}
        except ValueError as error:
            asked = f"{where}: {method} {path} was not answered in JSON"
            hint = "hint: is this the port of the management API?"
            raise errors.Transient(f"{asked}; {hint}") from error


def _part(name: str) -> str:
    return quote(name, safe="")
