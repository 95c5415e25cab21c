"""`clouds.yaml`: how OpenStack's own clients reach a solo cloud."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from ouranos.kit import cluster, kinds
from ouranos.solo import paths

ADMIN_SECRET = "keystone-admin-1"  # noqa: S105 - a name, not a password
IDENTITY_PORT = 5000


class NotKnownYetError(Exception):
    """Something that a client needs does not exist yet."""


def entry(cloud: dict[str, Any], secret: dict[str, Any], address: str) -> dict[str, Any]:
    """The cloud's entry: what `OS_CLOUD` names."""
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


async def write(api: cluster.Cluster, place: paths.Paths) -> None:
    """Write the cloud's `clouds.yaml`, readable by root alone; an equal file is left alone.

    Raises:
        NotKnownYetError: Keystone's address or its administrator do not exist yet.
    """
    name = place.cloud
    cloud = await api.get(kinds.CLOUD, name, name)
    secret = await api.get(kinds.SECRET, ADMIN_SECRET, name)
    service = await api.get(kinds.SERVICE, "keystone", name)
    addresses = (service or {}).get("status", {}).get("loadBalancer", {}).get("ingress", [])
    if cloud is None or secret is None or not addresses:
        raise NotKnownYetError(f"the administrator of {name} is not known yet")
    text = yaml.safe_dump(
        {"clouds": {name: entry(cloud, secret, addresses[0]["ip"])}},
        allow_unicode=True,
        sort_keys=False,
    )
    path = place.clouds_yaml
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        paths.write_private(path, text)
