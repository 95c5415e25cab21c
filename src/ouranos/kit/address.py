"""Where is a Service reached? Controllers do not resolve DNS."""

from ouranos.kit import cache, kinds, objects
from ouranos.kit.objects import Object


def of_service(
    held: cache.Cache, namespace: str, name: str, port: str | int
) -> tuple[str, int] | None:
    """Return host and port of a Service as this process reaches it, or None while it has none.

    Args:
        held: a cache that reflects Services.
        namespace: where the Service is.
        name: the Service's name.
        port: the port's name or number in the Service.
    """
    service = held.get(kinds.SERVICE, name, namespace)
    if service is None:
        return None
    host = objects.mapping(service, "spec").get("clusterIP")
    if not host or host == "None":
        return None
    number = _port(service, port)
    return None if number is None else (host, number)


def _port(service: Object, port: str | int) -> int | None:
    for one in objects.entries(service, "spec", "ports"):
        if port in (one.get("name"), one["port"]):
            return one["port"]
    return None
