"""How do credentials and addresses reach a process? By environment variables out of Secrets.

Asked by the pages of `ouranos.services` and by `ouranos.compute`. oslo.config reads
`OS_<GROUP>__<OPTION>` before any file; a URL is put together by Kubernetes from variables that
stand before it (`$(NAME)`), so that a password is in its Secret and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ouranos.kit import objects

CHARSET = "utf8mb4"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a claim was fulfilled."""

    host: str
    port: int
    tls: str = "Preferred"
    """`Disabled` for a server in the cloud's own network, where TLS costs and proves nothing."""


def secret_name(service: str, credential: str, generation: int = 1) -> str:
    """The Secret that holds a credential, such as `nova-queue-1`.

    Args:
        service: The service object's name.
        credential: What the credential is for: `user`, `database`, `queue`, …
        generation: Counts up at each rotation, so that two can live side by side.
    """
    return f"{service}-{credential}-{generation}"


def option(section: str, name: str) -> str:
    """The environment variable that sets an option of oslo.config."""
    return f"OS_{section.upper()}__{name.upper()}"


def literal(name: str, value: str) -> objects.Object:
    """A variable that is no secret; a `$` in it stays a `$`."""
    return {"name": name, "value": value.replace("$", "$$")}


def from_secret(name: str, secret: str, key: str) -> objects.Object:
    """A variable that holds one key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def login(prefix: str, secret: str) -> list[objects.Object]:
    """`<PREFIX>_USERNAME` and `<PREFIX>_PASSWORD`, for URLs further down the list."""
    return [
        from_secret(f"{prefix}_USERNAME", secret, "username"),
        from_secret(f"{prefix}_PASSWORD", secret, "password"),
    ]


def database_url(section: str, prefix: str, address: Address, database: str) -> objects.Object:
    """The `connection` option of a section; `login(prefix, …)` stands before it."""
    credentials = f"$({prefix}_USERNAME):$({prefix}_PASSWORD)"
    place = f"{address.host}:{address.port}/{database}"
    # pymysql else reads the machine's certificates for each connection, 25 ms of CPU and 0.8 MB.
    tls = "&ssl_disabled=true" if address.tls == "Disabled" else ""
    return {
        "name": option(section, "connection"),
        "value": f"mysql+pymysql://{credentials}@{place}?charset={CHARSET}{tls}",
    }


def queue_url(prefix: str, address: Address, vhost: str) -> objects.Object:
    """The `transport_url` option; `login(prefix, …)` stands before it."""
    credentials = f"$({prefix}_USERNAME):$({prefix}_PASSWORD)"
    return {
        "name": option("DEFAULT", "transport_url"),
        "value": f"rabbit://{credentials}@{address.host}:{address.port}/{vhost}",
    }


def secrets_read(variables: list[objects.Object]) -> Mapping[str, None]:
    """Names of the Secrets that a list of variables reads, each once, in order."""
    references = (item.get("valueFrom", {}).get("secretKeyRef") for item in variables)
    return dict.fromkeys(reference["name"] for reference in references if reference)
