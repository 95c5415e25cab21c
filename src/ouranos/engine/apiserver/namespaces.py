"""What goes with a namespace? Everything in it, pods first; runs beside the handler."""

from ouranos.engine.apiserver import history
from ouranos.engine.apiserver.deleting import Options
from ouranos.engine.apiserver.history import Change
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.target import Target
from ouranos.engine.apiserver.worker import Worker
from ouranos.engine.apiserver.writing import finished
from ouranos.kit import kinds
from ouranos.kit.objects import Key, Object

_NAMESPACES = kinds.NAMESPACE.qualified
INITIAL = ("default", "kube-node-lease", "kube-public", "kube-system")
"""The namespaces that every Kubernetes has."""


class Namespaces:
    """Ends namespaces, and makes those that are always there."""

    def __init__(self, parts: Parts) -> None:
        """Work in the given parts."""
        self._parts = parts
        self._worker = Worker(self._end, parts.seams.clock)
        parts.store.hooks.append(self._on_change)

    async def start(self) -> None:
        """Make what is always there, and go on with what was ending."""
        resource = self._namespace_resource()
        for name in INITIAL:
            if self._parts.store.latest(_NAMESPACES, Key("", name)) is None:
                target = Target(resource, name=name, manager="kube-apiserver")
                await self._parts.writer.create(target, {"metadata": {"name": name}})
        for record in self._parts.store.objects(_NAMESPACES).values():
            if record.deleting:
                self._worker.add(record.key.name)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._worker.run()

    def _namespace_resource(self) -> Resource:
        resource = self._parts.registry.stored(_NAMESPACES)
        if resource is None:
            raise LookupError(_NAMESPACES)
        return resource

    def _on_change(self, resource: str, change: Change) -> None:
        if resource == _NAMESPACES:
            if change.record.deleting and change.type != history.DELETED:
                self._worker.add(change.record.key.name)
            return
        namespace = change.record.key.namespace
        if change.type == history.DELETED and namespace:
            record = self._parts.store.get(_NAMESPACES, Key("", namespace))
            if record is not None and record.deleting:
                self._worker.add(namespace)

    async def _end(self, name: str) -> None:
        record = self._parts.store.latest(_NAMESPACES, Key("", name))
        if record is None or not record.deleting:
            return
        content = self._content(name)
        pods = [each for each in content if each[0].storage == kinds.POD.qualified]
        for resource, each in pods or content:
            current = self._parts.store.latest(resource.storage, each.key)
            if current is not None and not current.deleting:
                target = Target(resource, *each.key)
                await self._parts.deleter.delete(target, current, Options(propagation="Background"))
        await self._report(name, self._content(name))

    def _content(self, name: str) -> list[tuple[Resource, Record]]:
        return [
            (resource, record)
            for resource in self._parts.registry.storages()
            if resource.kind.namespaced
            for record in self._parts.store.sorted_records(resource.storage, name)
        ]

    async def _report(self, name: str, left: list[tuple[Resource, Record]]) -> None:
        """Say what is awaited, or let the namespace go."""
        resource = self._namespace_resource()
        record = self._parts.store.latest(_NAMESPACES, Key("", name))
        if record is None:
            return
        obj = resource.decode(record)
        if not left:
            obj["spec"] = {}
        status: Object = obj.setdefault("status", {})
        conditions = [_remaining(left, self._parts.writer.time())] if left else []
        before: list[Object] = status.get("conditions") or []
        if left and [each.get("message") for each in before] == [conditions[0]["message"]]:
            return
        status["conditions"] = conditions
        if finished(obj):
            await self._parts.writer.remove(resource, obj)
        else:
            await self._parts.writer.mark(resource, obj)


def _remaining(left: list[tuple[Resource, Record]], time: str) -> Object:
    counts: dict[str, int] = {}
    for resource, _ in left:
        counts[resource.name] = counts.get(resource.name, 0) + 1
    listed = ", ".join(f"{name} has {count} resource instances" for name, count in counts.items())
    return {
        "type": "NamespaceContentRemaining",
        "status": "True",
        "lastTransitionTime": time,
        "reason": "SomeResourcesRemain",
        "message": f"Some resources are remaining: {listed}",
    }
