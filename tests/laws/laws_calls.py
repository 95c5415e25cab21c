"""How laws change a part of an object: the four kinds of patches."""

import json
from typing import Any

import httpx2

MERGE, JSON = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


async def patch(
    api: httpx2.AsyncClient, path: str, change: Any, kind: str = MERGE, **query: str
) -> httpx2.Response:
    """Send a patch, as field manager `me` where the query names no other."""
    return await api.patch(
        path,
        content=json.dumps(change),
        headers={"content-type": kind},
        params={"fieldManager": "me", **query},
    )
