"""How does an object go? Grace, finalizers and preconditions; asked by verbs and engines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ouranos.engine.apiserver import exchange, failure, fields, strategy
from ouranos.engine.apiserver.exchange import Request
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.target import Target
from ouranos.engine.apiserver.writing import Writer, finished
from ouranos.kit.objects import Object

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_LASTING = frozenset({"default", "kube-public", "kube-system"})
_POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller says about a deletion."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    version: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion came to: the object's JSON, and whether it is gone."""

    body: bytes
    gone: bool
    uid: str


def options(request: Request, body: Object | None) -> Options:
    """Read what is said in a DeleteOptions or, where there is none, in the query.

    Raises:
        failure.Failure: it contradicts itself or names no known policy.
    """
    said = _of_query(request) if body is None else body
    grace: Any = said.get("gracePeriodSeconds")
    propagation: Any = said.get("propagationPolicy") or ""
    orphans: Any = said.get("orphanDependents")
    if orphans is not None:
        if propagation:
            raise failure.bad_request("orphanDependents and deletionPropagation cannot be both set")
        propagation = "Orphan" if orphans else "Background"
    if propagation and propagation not in _POLICIES:
        raise _unknown_policy(propagation)
    return Options(
        None if grace is None else int(grace),
        propagation,
        fields.text(said, "preconditions", "uid"),
        fields.text(said, "preconditions", "resourceVersion"),
        "All" in (said.get("dryRun") or ()),
    )


def _of_query(request: Request) -> Object:
    said: Object = {"dryRun": request.query.get("dryRun", [])}
    if (grace := request.number("gracePeriodSeconds")) is not None:
        said["gracePeriodSeconds"] = grace
    if policy := request.text("propagationPolicy"):
        said["propagationPolicy"] = policy
    if "orphanDependents" in request.query:
        said["orphanDependents"] = request.flag("orphanDependents")
    return said


def _unknown_policy(policy: str) -> failure.Failure:
    listed = ", ".join(f'"{each}"' for each in (*_POLICIES, "nil"))
    text = f'Unsupported value: "{policy}": supported values: {listed}'
    cause = {"reason": "FieldValueNotSupported", "message": text, "field": "propagationPolicy"}
    details = {"kind": "DeleteOptions", "group": "meta.k8s.io", "causes": [cause]}
    message = f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {text}'
    return failure.Failure(422, "Invalid", message, details)


def _check(resource: Resource, record: Record, asked: Options) -> None:
    name = resource.group_kind
    if asked.uid and asked.uid != record.uid:
        why = (
            f"the UID in the precondition ({asked.uid}) does not match the UID in record "
            f"({record.uid}). "
            "The object might have been deleted and then recreated"
        )
        raise failure.conflict(name, record.key.name, why)
    if asked.version and asked.version != str(record.version):
        why = (
            f"the ResourceVersion in the precondition ({asked.version}) does not match the "
            "ResourceVersion "
            f"in record ({record.version}). The object might have been modified"
        )
        raise failure.conflict(name, record.key.name, why)


def _finalizers(resource: Resource, present: Iterable[str], propagation: str) -> list[str]:
    """Give the finalizers that carry out a propagation policy, and those of others."""
    before = list(present)
    policy = propagation
    if not policy:
        if ORPHAN in before:
            policy = "Orphan"
        elif FOREGROUND in before:
            policy = "Foreground"
        elif resource.storage in strategy.ORPHANS_BY_DEFAULT:
            policy = "Orphan"
    wanted = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(policy)
    kept = [each for each in before if each not in {FOREGROUND, ORPHAN} or each == wanted]
    return kept if wanted is None or wanted in kept else [*kept, wanted]


def _later(time: str, seconds: int) -> str:
    moment = datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (moment + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Deleter:
    """Deletes objects as a writer writes them."""

    def __init__(self, writer: Writer) -> None:
        """Delete through a writer."""
        self._writer = writer

    async def delete(self, target: Target, record: Record, asked: Options) -> Deletion:
        """Delete an object, or mark it as about to go.

        Raises:
            failure.Failure: a precondition does not hold, or the object is one that stays.
        """
        resource = target.resource
        _check(resource, record, asked)
        if resource.storage == "namespaces" and record.key.name in _LASTING:
            why = "this namespace may not be deleted"
            raise failure.forbidden(resource.name, record.key.name, why)
        obj = resource.decode(record)
        meta: Object = obj["metadata"]
        grace = strategy.grace(resource, obj, asked.grace)
        begun = "deletionTimestamp" in meta
        if begun:
            changed = self._shorten(meta, asked.grace if grace is None else grace, asked.grace)
            changed = self._redirect(resource, meta, asked.propagation) or changed
            changed = changed or record.hiding
        else:
            changed = self._begin(resource, obj, grace, asked.propagation)
        if not begun and grace is None and finished(obj):
            # Gone at once, it was never seen as about to go.
            obj = resource.decode(record)
            return await self._carry_out(
                resource, record, obj, changed=True, asked=asked, gone=True
            )
        return await self._carry_out(resource, record, obj, changed=changed, asked=asked)

    def _begin(self, resource: Resource, obj: Object, grace: int | None, propagation: str) -> bool:
        """Mark an object whose deletion nobody has asked for before."""
        meta: Object = obj["metadata"]
        finalizers = _finalizers(resource, meta.get("finalizers") or (), propagation)
        if finalizers:
            meta["finalizers"] = finalizers
        else:
            meta.pop("finalizers", None)
        meta["deletionTimestamp"] = _later(self._writer.time(), grace or 0)
        meta["deletionGracePeriodSeconds"] = grace or 0
        if meta.get("generation"):
            meta["generation"] += 1
        if resource.storage == "namespaces":
            obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
        return True

    def _shorten(self, meta: Object, grace: int | None, asked: int | None) -> bool:
        """Let an object go sooner than was said before; later is not possible."""
        before: int = meta.get("deletionGracePeriodSeconds") or 0
        if asked is None or grace is None or grace >= before:
            return False
        meta["deletionTimestamp"] = _later(meta["deletionTimestamp"], grace - before)
        meta["deletionGracePeriodSeconds"] = grace
        return True

    def _redirect(self, resource: Resource, meta: Object, propagation: str) -> bool:
        """Take another wish of what happens to dependents, while the object still waits."""
        before: list[str] = meta.get("finalizers") or []
        wanted = _finalizers(resource, before, propagation) if propagation else before
        if wanted == before:
            return False
        meta["finalizers"] = wanted
        return True

    async def _carry_out(
        self,
        resource: Resource,
        record: Record,
        obj: Object,
        *,
        changed: bool,
        asked: Options,
        gone: bool = False,
    ) -> Deletion:
        gone = gone or finished(obj)
        if asked.dry_run:
            return Deletion(exchange.encode(obj), gone, record.uid)
        if gone:
            body = await self._writer.remove(resource, obj)
        elif changed:
            body = await self._writer.mark(resource, obj)
        else:
            body = resource.full(record)
        return Deletion(body, gone, record.uid)


def success(resource: Resource, name: str, uid: str) -> Object:
    """Give the Status that says an object is gone."""
    details: Object = {"name": name}
    if resource.kind.group:
        details["group"] = resource.kind.group
    details |= {"kind": resource.kind.plural, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }
