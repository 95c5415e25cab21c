"""Who is a cloud's administrator, and where is its Keystone? By its objects, in every world."""

from __future__ import annotations

import base64
from typing import Any, Final

from ouranos.kit import cluster, kinds, objects

ADMIN_SECRET: Final = "keystone-admin-1"  # noqa: S105 - a name, not a password
IDENTITY_PORT: Final = 5000

_AS_VARIABLES: Final = ("region_name", "interface", "identity_api_version")


class NotKnownYetError(Exception):
    """Something that a client needs does not exist yet."""


def entry(cloud: objects.Object, secret: objects.Object, address: str) -> dict[str, Any]:
    """The cloud's entry in a `clouds.yaml`: what `OS_CLOUD` names."""
    data = {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}
    return {
        "auth": {
            "auth_url": f"http://{address}:{IDENTITY_PORT}/v3",
            "username": data["username"],
            "password": data["password"],
            "project_name": "admin",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": cloud["spec"]["region"],
        "interface": "public",
        "identity_api_version": "3",
    }


async def of_administrator(api: cluster.Cluster, name: str, namespace: str) -> dict[str, Any]:
    """The administrator's entry, as the cloud's objects tell it now.

    Raises:
        NotKnownYetError: Keystone's address or its administrator do not exist yet.
    """
    cloud = await api.get(kinds.CLOUD, name, namespace)
    secret = await api.get(kinds.SECRET, ADMIN_SECRET, namespace)
    service = await api.get(kinds.SERVICE, "keystone", namespace)
    named = objects.mapping(cloud or {}, "spec", "network").get("publicHost")
    address = named or _address_of(service)
    if cloud is None or secret is None or not address:
        raise NotKnownYetError(f"the administrator of {name} is not known yet")
    return entry(cloud, secret, address)


def variables(found: dict[str, Any]) -> dict[str, str]:
    """An entry as the variables that OpenStack's clients read: `OS_AUTH_URL` and so on."""
    said = {**found["auth"], **{key: found[key] for key in _AS_VARIABLES}}
    return {f"OS_{key.upper()}": text for key, text in said.items()}


def _address_of(service: objects.Object | None) -> str:
    """What users of the Service are given: an address, or the name of a load balancer."""
    for given in objects.entries(service or {}, "status", "loadBalancer", "ingress"):
        if address := given.get("ip") or given.get("hostname"):
            return str(address)
    return ""
