"""`clouds.yaml`: how OpenStack's own clients reach a solo cloud."""

from __future__ import annotations

import yaml

from ouranos.kit import cluster
from ouranos.look import credentials
from ouranos.solo import paths


async def write(api: cluster.Cluster, place: paths.Paths) -> None:
    """Write the cloud's `clouds.yaml`, readable by root alone; an equal file is left alone.

    Raises:
        credentials.NotKnownYetError: Keystone's address or its administrator do not exist yet.
    """
    name = place.cloud
    found = await credentials.of_administrator(api, name, name)
    text = yaml.safe_dump({"clouds": {name: found}}, allow_unicode=True, sort_keys=False)
    path = place.clouds_yaml
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        paths.write_private(path, text)
