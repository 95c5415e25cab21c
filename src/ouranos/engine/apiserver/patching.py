"""How do the four kinds of patch change an object? Asked by the handler for PATCH."""

from typing import Any, cast

from ouranos.engine.apiserver import body, failure, fields, metadata, strategy
from ouranos.engine.apiserver.exchange import Request
from ouranos.engine.apiserver.merge import apply, conflicts, patches, strategic, typed
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.target import Target
from ouranos.engine.apiserver.writing import Writer
from ouranos.kit.objects import Object

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
TYPES = (JSON_PATCH, MERGE, STRATEGIC, APPLY)


async def patch(
    writer: Writer, target: Target, request: Request, old: Record | None
) -> tuple[bytes, bool]:
    """Patch or apply an object; give its JSON and whether it was made.

    Raises:
        failure.Failure: it is refused.
    """
    kind = request.content_type
    target.patched = True
    if kind not in TYPES or (kind == STRATEGIC and target.resource.custom):
        raise failure.unsupported_media_type(
            kind, [each for each in TYPES if each != STRATEGIC or not target.resource.custom]
        )
    if kind == APPLY:
        return await _apply(writer, target, request, old)
    if request.flag("force"):
        raise failure.bad_request(
            "PatchOptions: force: Forbidden: may not be specified for non-apply patch"
        )
    if old is None:
        raise failure.not_found(target.resource.name, target.name)
    obj = target.resource.decode(old)
    target.remade = True
    patched_obj = patched(obj, kind, body.decoded(request), target.resource)
    stated: Any = patched_obj.get("metadata")
    if isinstance(stated, dict) and not cast("Object", stated).get("name"):
        raise failure.nameless(target.name)
    return await writer.update(target, patched_obj, old), False


def patched(obj: Object, kind: str, change: Any, resource: Resource | None) -> Object:
    """Give what a patch makes of an object; without a resource there is no strategic patch.

    Raises:
        failure.Failure: the patch cannot be read or does not fit.
    """
    try:
        result = _changed(obj, kind, change, resource)
    except patches.PatchError:
        raise failure.unprocessable(
            "the server rejected our request due to an error in our request"
        ) from None
    except strategic.KeylessError as error:
        raise failure.unexplained(str(error)) from None
    except strategic.StrategicError as error:
        raise failure.bad_request(str(error)) from None
    if not isinstance(result, dict):
        raise failure.bad_request("the patched object is not an object")
    return cast("Object", result)


def _changed(obj: Object, kind: str, change: Any, resource: Resource | None) -> Any:
    if kind == JSON_PATCH:
        if not isinstance(change, list):
            raise failure.bad_request("the patch is not a list of operations")
        return patches.json_patch(obj, cast("list[Object]", change))
    if not isinstance(change, dict):
        raise failure.bad_request("the patch is not an object")
    if kind == MERGE or resource is None:
        return patches.merge_patch(obj, cast("Object", change))
    return strategic.strategic(obj, cast("Object", change), resource.schema)


def _made(target: Target) -> bool:
    return target.resource.storage in strategy.MADE_BY_UPDATE


async def _apply(
    writer: Writer, target: Target, request: Request, old: Record | None
) -> tuple[bytes, bool]:
    if not request.text("fieldManager"):
        message = (
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
            "is required for apply patch"
        )
        cause = {
            "reason": "FieldValueRequired",
            "message": "Required value: is required for apply patch",
            "field": "fieldManager",
        }
        details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause]}
        raise failure.Failure(422, "Invalid", message, details)
    applied = body.decoded_object(request)
    if old is None and target.subresource and not _made(target):
        raise failure.not_found(target.resource.name, target.name)
    live = None if old is None else target.resource.decode(old)
    try:
        writer.admit_apply(target, applied, live)
        merged = apply.apply(
            live,
            applied,
            target.resource.schema,
            manager=target.manager,
            force=request.flag("force"),
            subresource=target.subresource,
            api_version=target.resource.kind.api_version,
            time=writer.time(),
        )
    except conflicts.Conflicts as error:
        causes = [(each.field, each.message) for each in error.causes]
        raise failure.apply_conflict(str(error), causes) from None
    except typed.Untypable as error:
        raise failure.untypable(target.resource.kind, target.name, "", str(error)) from None
    target.tracked = False
    target.applied = True
    target.hiding = target.resource.custom and metadata.hides(merged["metadata"])
    if version := fields.text(applied, "metadata", "resourceVersion"):
        merged = {**merged, "metadata": {**merged["metadata"], "resourceVersion": version}}
    if old is None:
        merged["metadata"].pop("resourceVersion", None)
        return await writer.create(target, merged), True
    return await writer.update(target, merged, old), False
