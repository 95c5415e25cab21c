"""Which pods does a change in the API concern? An event only wakes.

What is to be done is decided by looking.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ouranos.engine.node import pod
from ouranos.kit import kinds, objects

_CONTENT: Final = (kinds.CONFIG_MAP, kinds.SECRET)
_NAMES: Final = (kinds.SERVICE, kinds.ENDPOINT_SLICE)


class Router:
    """Wakes the workers that an event concerns."""

    def __init__(
        self,
        workers: Mapping[str, pod.Worker],
        arrived: Callable[[objects.Object], None],
        services: Callable[[], None],
    ) -> None:
        self._workers = workers
        self._arrived = arrived
        self._services = services

    def hear(
        self, kind: objects.Kind, before: objects.Object | None, after: objects.Object | None
    ) -> None:
        """Take in an event of a reflector."""
        seen = after or before
        if seen is None:
            return
        if kind == kinds.POD:
            self._pod(seen, before, after)
        elif kind in _NAMES:
            if kind == kinds.SERVICE:
                self._services()
            if _names(before) != _names(after):
                self._all(pod.Worker.renew_hosts)
        elif kind in _CONTENT:
            self._content(kind, objects.key_of(seen))
        else:
            self._all(pod.Worker.retry)

    def _pod(
        self, seen: objects.Object, before: objects.Object | None, after: objects.Object | None
    ) -> None:
        worker = self._workers.get(objects.uid_of(seen))
        if worker is not None and _words(before) != _words(after):
            worker.renew_files()
        elif worker is not None:
            worker.wake()
        elif after is not None:
            self._arrived(after)

    def _all(self, act: Callable[[pod.Worker], None]) -> None:
        for worker in [*self._workers.values()]:
            act(worker)

    def _content(self, kind: objects.Kind, key: objects.Key) -> None:
        for worker in self._in(key.namespace):
            if worker.refers_to(kind, key.name):
                worker.renew_files()

    def _in(self, namespace: str) -> Iterator[pod.Worker]:
        for worker in [*self._workers.values()]:
            if objects.key_of(worker.pod).namespace == namespace:
                yield worker


def _words(found: objects.Object | None) -> object:
    """Return what of a pod may change and stand in its own volumes."""
    if found is None:
        return None
    return objects.labels_of(found), objects.annotations_of(found)


def _names(found: objects.Object | None) -> object:
    """Return what of a Service or an EndpointSlice stands in /etc/hosts."""
    if found is None:
        return None
    if "endpoints" in found:
        return [
            (one.get("hostname"), (one.get("addresses") or [None])[0])
            for one in objects.entries(found, "endpoints")
            if one.get("hostname")
        ]
    return objects.mapping(found, "spec").get("clusterIP")
