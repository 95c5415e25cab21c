"""Is what was sent an object of its path and kind? Asked before anything else is done with it."""

from ouranos.engine.apiserver import failure, metadata
from ouranos.engine.apiserver.schema import cause, walk
from ouranos.engine.apiserver.target import Target
from ouranos.kit import kinds
from ouranos.kit.objects import Object

DEFINITIONS = kinds.CUSTOM_RESOURCE_DEFINITION.qualified


def identify(target: Target, obj: Object, *, whole: bool = False) -> list[str]:
    """Check that an object is what its path says; give unknown metadata fields."""
    kind = target.resource.kind
    api_version, name = obj.get("apiVersion"), obj.get("kind")
    if (target.resource.custom and not name) or (name and name != kind.kind):
        raise _unreadable(
            target,
            f"{name or 'the object'} in version {api_version!s} cannot be handled as a "
            f"{kind.kind}: "
            "Object 'Kind' is missing or does not match the path",
        )
    if (target.resource.custom and not api_version) or (
        api_version and api_version != kind.api_version
    ):
        raise _unreadable(
            target,
            f"the API version in the data ({api_version}) does not match the expected API "
            "version "
            f"({kind.api_version})",
        )
    obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
    try:
        unknown = metadata.normalise(obj, whole=whole)
    except failure.Failure as error:
        raise _unreadable(target, error.message) from None
    meta: Object = obj["metadata"]
    if kind.namespaced:
        if meta.setdefault("namespace", target.namespace) != target.namespace:
            raise failure.bad_request(
                "the namespace of the provided object does not match the namespace sent "
                "on the request"
            )
    else:
        meta.pop("namespace", None)
    if target.name and meta.setdefault("name", target.name) != target.name:
        raise failure.bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL "
            f"({target.name})"
        )
    return unknown


def _unreadable(target: Target, why: str) -> failure.Failure:
    return failure.unpatchable(why) if target.remade else failure.bad_request(why)


def prune(target: Target, obj: Object, unknown: list[str]) -> None:
    """Remove what the schema does not know, and say so as the caller wishes."""
    schema = target.resource.schema
    unknown = [*unknown, *schema.prune(obj)]
    if unknown and target.validation == "Strict":
        listed = ", ".join(f'unknown field "{each}"' for each in unknown)
        why = f"strict decoding error: {listed}"
        if target.patched and (target.resource.custom or not target.remade):
            raise failure.bad_request(why)
        if target.remade:
            raise failure.unpatchable(why)
        raise failure.undecodable(target.resource.kind, why)
    if target.validation == "Warn":
        target.warnings += [f'unknown field "{each}"' for each in sorted(unknown)]


def read(target: Target, obj: Object) -> None:
    """Refuse what is no object of a built-in kind, before anything else is said of it."""
    if target.resource.custom or target.resource.storage == DEFINITIONS:
        return
    read = walk.copied(obj)
    target.resource.schema.default(read)
    refuse_mistyped(target, target.resource.schema.validate(read))


def refuse_mistyped(target: Target, causes: list[cause.Cause]) -> None:
    """Refuse what is no object of a built-in kind at all."""
    for each in causes:
        if each.reason == "FieldValueTypeInvalid" and target.applied:
            raise failure.unconvertible(target.resource.kind, target.name, str(each))
        if each.reason == "FieldValueTypeInvalid":
            target.warnings.clear()
            if target.remade:
                raise failure.unpatchable(str(each))
            raise failure.undecodable(target.resource.kind, str(each))
