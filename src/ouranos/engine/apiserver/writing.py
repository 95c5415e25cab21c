"""How does an object become, or change? The one way of every create, update, patch and apply."""

from datetime import UTC
from random import Random
from typing import Any, cast
from uuid import UUID

from ouranos.engine.apiserver import (
    admission,
    emptiness,
    exchange,
    failure,
    fields,
    metadata,
    strategy,
    transitions,
)
from ouranos.engine.apiserver.merge import managed, typed
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Registry, Resource
from ouranos.engine.apiserver.schema import cause
from ouranos.engine.apiserver.store import Store
from ouranos.engine.apiserver.target import Target
from ouranos.kit import kinds, seams
from ouranos.kit.objects import Key, Object

_KEPT = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "resourceVersion",
)
_SHARED = frozenset({"apiVersion", "kind", "metadata", "status"})
_TRIES = 8


class Writer:
    """Makes and changes objects of one store."""

    def __init__(self, store: Store, registry: Registry, given: seams.Seams) -> None:
        """Write into a store; time and chance come from the seams."""
        self.store = store
        self.registry = registry
        self._clock = given.clock
        self._random: Random = given.random

    def time(self) -> str:
        """Give the time as Kubernetes writes it."""
        return self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _context(self) -> strategy.Context:
        return strategy.Context(self.store, self.registry, self.time())

    # Create.

    async def create(self, target: Target, obj: Object) -> bytes:
        """Make a new object and give its JSON.

        Raises:
            failure.Failure: it is refused.
        """
        resource = target.resource
        admission.prune(target, obj, admission.identify(target, obj))
        meta: Object = obj["metadata"]
        if meta.pop("resourceVersion", ""):
            raise failure.bad_request("resourceVersion should not be set on objects to be created")
        self._admit(target)
        self._name(target, meta)
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
            meta.pop(name, None)
        status: Object = {}
        if resource.has_status:
            status = {"status": obj.pop("status", None)}
            self._measure(target, status, {})
        self._conform(target, obj, [], None)
        self._free(target, meta)
        meta["uid"] = str(UUID(int=self._random.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.time()
        if resource.counts:
            meta["generation"] = 1
        if target.subresource == "status" and status["status"] is not None:
            noted = self._track(target, None, {**obj, **status})
            obj = managed.with_books_of(obj, noted)
        else:
            obj = self._track(target, None, obj)
        strategy.on_create(resource, obj, self._context())
        if target.dry_run:
            return exchange.encode(obj)
        return await self._put(resource, obj, hiding=target.hiding)

    async def create_by_update(self, target: Target, obj: Object) -> bytes:
        """Make the new object that an update states; its version says nothing here.

        Raises:
            failure.Failure: it is refused.
        """
        meta: Any = obj.get("metadata")
        version: Any = ""
        if isinstance(meta, dict):
            stated = cast("Object", meta)
            version = stated.pop("resourceVersion", "")
            if uid := stated.get("uid"):
                why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: "
                raise failure.conflict(target.resource.name, target.name, why)
        made = await self.create(target, obj)
        if target.dry_run and version:  # Kubernetes answers with the version that it was given.
            tried: Object = exchange.decode(made)
            tried["metadata"]["resourceVersion"] = version
            made = exchange.encode(tried)
        return made

    def admit_nothing(self, target: Target, obj: Object) -> None:
        """Check what an update says of an object that is not there.

        Raises:
            failure.Failure: it is not of its path, or cannot be read.
        """
        admission.prune(target, obj, admission.identify(target, obj))
        admission.read(target, obj)

    def admit_apply(self, target: Target, applied: Object, live: Object | None) -> None:
        """Check an applied configuration before it is merged.

        Raises:
            failure.Failure: it is not of its path, or says what an apply may not say.
        """
        if fields.at(applied, "metadata", "managedFields"):
            raise failure.bad_request("metadata.managedFields must be nil")
        if not fields.text(applied, "metadata", "name"):
            raise failure.nameless(target.name)
        found = typed.problems(applied, target.resource.schema.root)
        unknown = admission.identify(target, applied, whole=True)
        if found:
            raise typed.Untypable(found)
        uid: str = applied["metadata"].get("uid", "")
        if uid and live is None:
            why = (
                f"uid mismatch: the provided object specified uid {uid}, and no existing "
                "object was found"
            )
            raise failure.conflict(target.resource.name, target.name, why)
        admission.prune(target, applied, unknown)

    def _name(self, target: Target, meta: Object) -> None:
        """Give an object that has only the beginning of a name a name that is free."""
        storage, namespace = target.resource.storage, meta.get("namespace", "")
        base: str = meta.get("generateName", "")
        for _ in range(_TRIES if base and not meta.get("name") else 0):
            name = metadata.generate_name(base, self._random)
            if not self.store.latest(storage, Key(namespace, name)):
                meta["name"] = name
                return

    def _free(self, target: Target, meta: Object) -> None:
        """Refuse a name that is taken."""
        key = Key(meta.get("namespace", ""), meta["name"])
        taken = self.store.latest(target.resource.storage, key)
        if taken is not None:
            name = target.resource.name
            raise failure.already_exists(name, meta["name"], going=taken.deleting)

    def _admit(self, target: Target) -> None:
        """Refuse what lies in a namespace, or is of a kind, that is not there or is going."""
        if target.resource.custom:
            definition = self.store.latest(admission.DEFINITIONS, Key("", target.resource.storage))
            if definition is not None and definition.deleting:
                message = "create not allowed while custom resource definition is terminating"
                raise failure.Failure(405, "MethodNotAllowed", message, {})
        if not target.resource.kind.namespaced:
            return
        record = self.store.latest(kinds.NAMESPACE.qualified, Key("", target.namespace))
        if record is None:
            raise failure.not_found("namespaces", target.namespace)
        if record.deleting:
            message = f"namespace {target.namespace} is being terminated"
            raise failure.forbidden(
                target.resource.name,
                target.name,
                f"unable to create new content in namespace {target.namespace} because it is "
                "being terminated",
                [
                    {
                        "reason": "NamespaceTerminating",
                        "message": message,
                        "field": "metadata.namespace",
                    }
                ],
            )

    # Update.

    async def update(self, target: Target, obj: Object, old: Record) -> bytes:
        """Change an object and give its JSON; what changes nothing is not written.

        Raises:
            failure.Failure: it is refused.
        """
        resource = target.resource
        before = resource.decode(old)
        admission.prune(target, obj, admission.identify(target, obj))
        try:
            self._check_version(target, obj["metadata"], old)
        except failure.Failure:
            admission.read(target, obj)
            raise
        self._carry(target, obj, before)
        stated = self._conform(target, obj, [], before)
        counted = resource.counts and target.subresource != "status"
        if counted and self._wanted(resource, obj) != self._wanted(resource, before):
            obj["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        noted = self._track(target, before, stated)
        obj = noted if stated is obj else managed.with_books_of(obj, noted)
        strategy.on_update(resource, obj, self._context())
        if target.dry_run:
            return exchange.encode(obj)
        if finished(obj):
            body = exchange.encode(obj)
            await self._remove(resource, obj)
            return body
        hides = old.hiding or target.hiding
        if not hides and _timeless(obj) == _timeless(before):
            return resource.full(old)
        return await self._put(resource, obj, hiding=target.hiding)

    def _check_version(self, target: Target, meta: Object, old: Record) -> None:
        name = target.resource.name
        uid: str = meta.get("uid", "")
        if uid and uid != old.uid and target.patched:
            wrong = cause.invalid("metadata.uid", uid, "field is immutable")
            raise failure.invalid(target.resource.group_kind, old.key.name, [wrong])
        if uid and uid != old.uid:
            raise failure.conflict(
                name,
                old.key.name,
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old.uid}",
            )
        version = meta.get("resourceVersion", "")
        if version and version != str(old.version):
            raise failure.modified(name, old.key.name)

    def _carry(self, target: Target, obj: Object, before: Object) -> None:
        """Take from the old object what this request may not change."""
        meta: Object = obj["metadata"]
        noted: Any = meta.get("managedFields")
        for name in _KEPT:
            if name in before["metadata"]:
                meta[name] = before["metadata"][name]
            else:
                meta.pop(name, None)
        if target.subresource == "status":
            self._measure(target, {key: obj[key] for key in obj if key not in _SHARED}, before)
            self._only(obj, before, "status")
            if not (target.resource.custom or target.resource.storage == admission.DEFINITIONS):
                obj["metadata"] = meta
            elif noted is not None and not target.tracked:
                obj["metadata"] = {**before["metadata"], "managedFields": noted}
        elif target.subresource == "finalize":
            self._only(obj, before, "spec")
        elif target.resource.has_status:
            self._measure(target, {"status": obj.get("status")}, before)
            self._but_status(obj, before)

    @staticmethod
    def _measure(target: Target, dropped: Object, before: Object) -> None:
        """Note whether what this door drops fits: Kubernetes keeps the books before it drops it.

        Where it does not, all that was noted in managedFields is lost.
        """
        root = target.resource.schema.root
        for name, value in dropped.items() if target.resource.custom else ():
            node = root.properties.get(name)
            if node is not None and value != before.get(name) and not typed.fits(value, node):
                target.unfit = True

    @staticmethod
    def _only(obj: Object, before: Object, name: str) -> None:
        value = obj.get(name)
        obj.clear()
        obj.update(before)
        obj["metadata"] = dict(before["metadata"])
        if value is None:
            obj.pop(name, None)
        else:
            obj[name] = value

    @staticmethod
    def _but_status(obj: Object, before: Object) -> None:
        if "status" in before:
            obj["status"] = before["status"]
        else:
            obj.pop("status", None)

    @staticmethod
    def _wanted(resource: Resource, obj: Object) -> Object:
        wanted = {
            name: value
            for name, value in obj.items()
            if name != "metadata" and not (name == "status" and resource.has_status)
        }
        if resource.storage == kinds.DEPLOYMENT.qualified:  # It is rolled out with them.
            wanted["annotations"] = obj["metadata"].get("annotations") or {}
        return wanted

    # Both.

    def _conform(
        self, target: Target, obj: Object, unknown: list[str], before: Object | None
    ) -> Object:
        """Prune, default and validate an object; give what its writer has stated."""
        resource, schema = target.resource, target.resource.schema
        admission.prune(target, obj, unknown)
        strategy.normalise(resource, obj)
        if not resource.custom:
            emptiness.drop(obj, schema.root)
        schema.default(obj, nulls=target.applied and resource.custom)
        stated = obj
        if before is not None:
            stated = transitions.prepare(resource, obj, before, target.subresource)
        if before is None:
            causes = [*metadata.causes(resource, obj), *schema.validate(obj)]
        else:
            causes = metadata.update_causes(obj["metadata"], before["metadata"])
            causes += schema.validate_update(obj, before, target.subresource)
        if not resource.custom and resource.storage != admission.DEFINITIONS:
            admission.refuse_mistyped(target, causes)
        if not causes:
            causes += strategy.causes(resource, obj, before, target.subresource)
        if causes:
            raise failure.invalid(resource.group_kind, obj["metadata"].get("name", ""), causes)
        if resource.custom:
            target.warnings += metadata.warnings(obj["metadata"], before)
        return stated

    def _track(self, target: Target, before: Object | None, obj: Object) -> Object:
        if not target.tracked:
            return obj
        if target.unfit:
            return managed.without_managed_fields(obj)
        return managed.update(
            before,
            obj,
            target.resource.schema,
            manager=target.manager,
            subresource=target.subresource,
            api_version=target.resource.kind.api_version,
            time=self.time(),
        )

    def _stored(self, resource: Resource, obj: Object) -> tuple[Resource, Object]:
        stored = self.registry.stored(resource.storage)
        if stored is None:
            raise failure.no_such_path()
        return stored, resource.inward(obj) if resource.inward else obj

    async def _put(self, resource: Resource, obj: Object, *, hiding: bool = False) -> bytes:
        stored, obj = self._stored(resource, obj)
        put = self.store.put
        record = await put(stored.storage, obj, stored.head, stored.fields, hiding=hiding)
        return resource.full(record)

    async def _remove(self, resource: Resource, obj: Object) -> bytes:
        stored, obj = self._stored(resource, obj)
        record = await self.store.remove(stored.storage, obj, stored.head, stored.fields)
        return resource.full(record)

    async def mark(self, resource: Resource, obj: Object) -> bytes:
        """Write what the server itself has changed: deletion marks, finalizers, owners."""
        return await self._put(resource, obj)

    async def remove(self, resource: Resource, obj: Object) -> bytes:
        """Remove an object for good, given its last state."""
        return await self._remove(resource, obj)


def finished(obj: Object) -> bool:
    """Whether nothing holds a deleted object any more."""
    meta: Object = obj["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers"):
        return False
    if (
        obj["kind"] == "Namespace"
        and obj["apiVersion"] == "v1"
        and obj.get("spec", {}).get("finalizers")
    ):
        return False
    return not meta.get("deletionGracePeriodSeconds")


def _timeless(obj: Object) -> Object:
    """Give an object without the times at which its managers wrote."""
    meta: Object = obj["metadata"]
    entries = cast("list[Object]", meta.get("managedFields") or [])
    bare = [{name: value for name, value in each.items() if name != "time"} for each in entries]
    return {**obj, "metadata": {**meta, "managedFields": bare}}
