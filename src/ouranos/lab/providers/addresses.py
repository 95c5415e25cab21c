"""Which address has a Service of type LoadBalancer? One of a range, its own as long as it lives."""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Object

NAME: Final = "addresses"
_SOON: Final = timedelta(seconds=15)


def controller_of(network: IPv4Network) -> controller.Controller:
    """Return the controller that gives Services addresses of a network.

    It looks at one Service at a time and asks the API who has which address: two Services never
    get one.
    """

    async def reconcile(current: controller.Pass) -> outcome.Outcome:
        wanted = is_wanted(current.object)
        held = addresses(current.object)
        own = [one for one in held if one in network]
        if wanted and own:
            return outcome.DONE
        if not wanted:
            if own:
                current.status["loadBalancer"] = {}
            return outcome.DONE
        listing = await current.cluster.list(kinds.SERVICE)
        asked = objects.mapping(current.object, "spec").get("loadBalancerIP")
        chosen = choose(network, listing.items, asked)
        if chosen is None:
            return outcome.wait(f"a free address of {network}", poll=_SOON)
        ingress = [{"ip": str(chosen), "ipMode": "VIP"}]
        current.status["loadBalancer"] = {"ingress": ingress}
        return outcome.DONE

    def wants(service: Object) -> bool:
        return is_wanted(service) or any(one in network for one in addresses(service))

    return controller.Controller(
        NAME, kinds.SERVICE, reconcile, wants=wants, workers=1, resync=timedelta(minutes=5)
    )


def is_wanted(service: Object) -> bool:
    """Whether a Service shall have an address from us."""
    spec = objects.mapping(service, "spec")
    return (
        spec.get("type") == "LoadBalancer"
        and not spec.get("loadBalancerClass")
        and not objects.is_deleting(service)
    )


def addresses(service: Object) -> list[IPv4Address]:
    """Return the addresses that a Service has."""
    entries = objects.entries(service, "status", "loadBalancer", "ingress")
    found: list[IPv4Address] = []
    for entry in entries:
        text = str(entry.get("ip") or "")
        if text and ":" not in text:
            found.append(IPv4Address(text))
    return found


def choose(
    network: IPv4Network, services: Iterable[Object], asked: str | None = None
) -> IPv4Address | None:
    """Return a free address, the asked one if it can be had; None when all are taken."""
    taken = {one for service in services for one in addresses(service)}
    if asked and ":" not in asked:
        wanted = IPv4Address(asked)
        if wanted in network:
            return None if wanted in taken else wanted
    return next((one for one in network.hosts() if one not in taken), None)
