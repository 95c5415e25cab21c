"""Deletes what a project holds, and proves that nothing is left of it anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ouranos.verify import story

_GONE = 120.0  # seconds for one kind of thing to disappear


def of(run: story.Story) -> None:
    """Delete all that a run has made as its tenant; safe to run again."""
    if run.tenant is None:
        return
    remove(run.tenant, run.project)
    if key := run.made.get("keypair"):
        run.tenant.compute.delete_keypair(key)


def remove(connection: Any, project: str) -> None:
    """Delete every server, volume, image, router, network and group of a project, in this order.

    Works as the project's own user and as the administrator; safe to run again.
    """
    _servers(connection, project)
    _volumes(connection, project)
    for image in _owned(connection.image.images(owner=project), project):
        connection.image.delete_image(image.id)
    _networks(connection.network, project)


def _owned(things: Iterable[Any], project: str) -> list[Any]:
    """The things of this project: an administrator's lists hold everybody's."""
    return [thing for thing in things if _project_of(thing) == project]


def _project_of(thing: Any) -> str | None:
    for name in ("project_id", "owner_id", "owner"):
        if found := getattr(thing, name, None):
            return str(found)
    return None


def _servers(connection: Any, project: str) -> None:
    def left() -> list[Any]:
        everybody = connection.current_project_id != project
        filters: dict[str, Any] = {"all_projects": True, "project_id": project} if everybody else {}
        return list(connection.compute.servers(**filters))

    for server in left():
        connection.compute.delete_server(server.id)
    story.until(lambda: not left(), what="servers deleted", seconds=_GONE)


def _volumes(connection: Any, project: str) -> None:
    client = connection.block_storage

    def left() -> list[Any]:
        everybody = connection.current_project_id != project
        return (
            _owned(client.volumes(all_projects=True), project)
            if everybody
            else list(client.volumes())
        )

    def removable() -> bool:
        return all(each.status in ("available", "error") for each in left())

    story.until(removable, what="volumes detached", seconds=_GONE)
    for volume in left():
        client.delete_volume(volume.id)
    story.until(lambda: not left(), what="volumes deleted", seconds=_GONE)


def _networks(client: Any, project: str) -> None:
    for floating in client.ips(project_id=project):
        client.delete_ip(floating.id)
    for router in client.routers(project_id=project):
        for port in client.ports(device_id=router.id, device_owner="network:router_interface"):
            client.remove_interface_from_router(router.id, port=port.id)
        client.delete_router(router.id)
    for network in client.networks(project_id=project):
        client.delete_network(network.id)
    for group in client.security_groups(project_id=project):
        if group.name != "default":
            client.delete_security_group(group.id)


def left_in_services(admin: Any, project: str) -> list[str]:
    """What the administrator still finds of the project, by kind and id."""
    found: list[str] = []
    compute, block, net = admin.compute, admin.block_storage, admin.network
    found += [
        f"server {each.id}" for each in compute.servers(all_projects=True, project_id=project)
    ]
    found += [f"volume {each.id}" for each in _owned(block.volumes(all_projects=True), project)]
    found += [f"snapshot {each.id}" for each in _owned(block.snapshots(all_projects=True), project)]
    found += [f"image {each.id}" for each in _owned(admin.image.images(owner=project), project)]
    for kind in ("ips", "routers", "networks", "subnets", "ports"):
        found += [f"{kind} {each.id}" for each in getattr(net, kind)(project_id=project)]
    return found
