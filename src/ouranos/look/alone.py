"""How does one person's command keep out another's? By a Lease in the cloud's namespace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Final

from ouranos.kit import cluster, conditions, errors, kinds, objects
from ouranos.look import place

LASTS: Final = 30
"""Seconds for which a Lease counts after its holder was heard of last."""
_RENEWED: Final = 5.0  # seconds between two words of the holder


@contextlib.asynccontextmanager
async def hold(api: cluster.Cluster, namespace: str, purpose: str) -> AsyncGenerator[None]:
    """Hold the Lease `ouranos-<purpose>`, and give it back in the end.

    Who dies holding it keeps others out for `LASTS` seconds; who has lost it is interrupted.

    Raises:
        place.RefusedError: somebody else holds it, or has taken it meanwhile.
    """
    held = await _take(api, _lease(namespace, purpose))
    name = held["metadata"]["name"]
    ours = asyncio.timeout(None)
    try:
        async with ours:
            renewing = asyncio.create_task(_renew(api, held, ours))
            try:
                yield
            finally:
                renewing.cancel()
    except TimeoutError as error:
        if not ours.expired():
            raise
        raise place.RefusedError(
            f"the Lease {namespace}/{name} was taken away: this machine slept, or was cut off",
            f"do it again; who holds it says: kubectl --namespace {namespace} get lease {name}",
        ) from error
    finally:
        with contextlib.suppress(errors.Transient):  # it ends by itself then
            await api.delete(kinds.LEASE, name, namespace, uid=objects.uid_of(held))


def _lease(namespace: str, purpose: str) -> objects.Object:
    now = conditions.micro_timestamp(datetime.now(UTC))
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": f"ouranos-{purpose}", "namespace": namespace},
        "spec": {
            "holderIdentity": f"{platform.node()} (process {os.getpid()})",
            "leaseDurationSeconds": LASTS,
            "acquireTime": now,
            "renewTime": now,
        },
    }


async def _take(api: cluster.Cluster, wanted: objects.Object) -> objects.Object:
    name, namespace = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
    try:
        found = await api.get(kinds.LEASE, name, namespace)
        if found is not None:
            if not ended(found, datetime.now(UTC)):
                raise _refused(found)
            await api.delete(kinds.LEASE, name, namespace, uid=objects.uid_of(found))
        return await api.create(wanted)
    except (errors.AlreadyExists, errors.Conflict) as error:
        raise place.RefusedError(
            f"the Lease {namespace}/{name} was taken at this moment", "wait until that is done"
        ) from error


def ended(lease: objects.Object, now: datetime) -> bool:
    """Whether its holder was last heard of longer ago than the Lease counts."""
    spec = lease["spec"]
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return True
    lasts = timedelta(seconds=spec.get("leaseDurationSeconds") or LASTS)
    return conditions.moment_of(spec["renewTime"]) + lasts < now


def _refused(found: objects.Object) -> place.RefusedError:
    key, holder = objects.key_of(found), found["spec"]["holderIdentity"]
    return place.RefusedError(
        f"the Lease {key} is held by {holder}",
        f"wait until that is done; if it has died, {LASTS} seconds",
    )


async def _renew(api: cluster.Cluster, held: objects.Object, ours: asyncio.Timeout) -> None:
    """Renew it as long as it is ours."""
    key, metadata = objects.key_of(held), {"uid": objects.uid_of(held)}
    while True:
        await asyncio.sleep(_RENEWED)
        spec = {"renewTime": conditions.micro_timestamp(datetime.now(UTC))}
        patch = {"metadata": metadata, "spec": spec}
        try:
            await api.patch(kinds.LEASE, key.name, key.namespace, patch)
        except (errors.Invalid, errors.NotFound):  # another identity is an invalid change
            ours.reschedule(asyncio.get_running_loop().time())
            return
        except errors.Transient:
            continue  # a server that does not answer now may do so in time
