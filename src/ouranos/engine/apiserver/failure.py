"""What does the server say when it refuses? Kubernetes' Status objects; asked by all here."""

from collections.abc import Iterable, Sequence

from ouranos.engine.apiserver.schema import cause
from ouranos.kit.objects import Kind, Object


class Failure(Exception):
    """A request that is refused, with all that a Status needs."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        """Remember the parts of the Status."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.warnings: list[str] = []

    def status(self) -> Object:
        """Give the Status object as kubectl expects it."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def _split(group_resource: str) -> Object:
    plural, _, group = group_resource.partition(".")
    return {"group": group, "kind": plural} if group else {"kind": plural}


def _details(group_resource: str, name: str) -> Object:
    return {"name": name, **_split(group_resource)} if name else _split(group_resource)


def not_found(group_resource: str, name: str) -> Failure:
    """Say that the named object does not exist."""
    message = f'{group_resource} "{name}" not found'
    return Failure(404, "NotFound", message, _details(group_resource, name))


def no_such_path() -> Failure:
    """Say that nothing is served at this path."""
    message = "the server could not find the requested resource"
    return Failure(404, "NotFound", message, {})


def already_exists(group_resource: str, name: str, *, going: bool = False) -> Failure:
    """Say that the name is taken, perhaps by what is about to go."""
    message = f'{group_resource} "{name}" already exists'
    if going:
        message = f"object is being deleted: {message}"
    return Failure(409, "AlreadyExists", message, _details(group_resource, name))


def conflict(group_resource: str, name: str, why: str) -> Failure:
    """Say that the object changed, or is another one, since the caller looked."""
    message = f'Operation cannot be fulfilled on {group_resource} "{name}": {why}'
    return Failure(409, "Conflict", message, _details(group_resource, name))


def modified(group_resource: str, name: str) -> Failure:
    """Say that the resourceVersion of the caller is no longer the object's."""
    return conflict(
        group_resource,
        name,
        "the object has been modified; please apply your changes to the latest version and "
        "try again",
    )


def apply_conflict(message: str, causes: Iterable[tuple[str, str]]) -> Failure:
    """Say which fields of an apply belong to other managers, given as field and message."""
    found = [
        {"reason": "FieldManagerConflict", "message": text, "field": field}
        for field, text in causes
    ]
    return Failure(409, "Conflict", message, {"causes": found})


def invalid(group_kind: str, name: str, causes: Iterable[cause.Cause]) -> Failure:
    """Say which fields hold what they may not hold."""
    found = list(causes)
    details = _details(group_kind, name)
    details["causes"] = [
        {"reason": each.reason, "message": each.message, "field": each.field} for each in found
    ]
    return Failure(
        422, "Invalid", f'{group_kind} "{name}" is invalid: {cause.summary(found)}', details
    )


def nameless(name: str) -> Failure:
    """Refuse an object that does not say its name."""
    return bad_request(
        f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
    )


def bad_request(message: str) -> Failure:
    """Say that the request makes no sense."""
    return Failure(400, "BadRequest", message)


def undecodable(kind: Kind, why: str) -> Failure:
    """Say that what was sent is no object of the kind."""
    name = kind.kind
    return bad_request(f'{name} in version "{kind.version}" cannot be handled as a {name}: {why}')


def unpatchable(why: str) -> Failure:
    """Say that what a patch makes of an object cannot be read as one."""
    message = f"Invalid value: {why}"
    wrong = {"reason": "FieldValueInvalid", "message": message, "field": "patch"}
    return Failure(422, "Invalid", f' "" is invalid: patch: {message}', {"causes": [wrong]})


def unexplained(why: str) -> Failure:
    """Say what Kubernetes takes for an error of its own: without a reason."""
    return Failure(500, "", why)


def untypable(kind: Kind, name: str, namespace: str, why: str) -> Failure:
    """Say that an applied configuration does not fit its schema; Kubernetes gives no reason."""
    written = f"({namespace}/{name}; {_written(kind)})"
    return Failure(500, "", f"failed to create typed patch object {written}: {why}")


def unconvertible(kind: Kind, name: str, why: str) -> Failure:
    """Say that what an apply has come to cannot be read as an object of its kind."""
    return Failure(
        500,
        "",
        f"failed to convert new object (/{name}; {_written(kind)}) to proper version: "
        f"unable to convert unstructured object to {_written(kind)}: {why}",
    )


def _written(kind: Kind) -> str:
    return f"{kind.group}/{kind.version}, Kind={kind.kind}"


def unprocessable(message: str) -> Failure:
    """Say that the request is well formed and cannot be carried out."""
    return Failure(422, "Invalid", message, {})


def unauthorized() -> Failure:
    """Say that the token is missing or wrong."""
    return Failure(401, "Unauthorized", "Unauthorized")


def forbidden(
    group_resource: str, name: str, why: str, causes: list[Object] | None = None
) -> Failure:
    """Say that the request is understood and not allowed."""
    details = _details(group_resource, name)
    if causes:
        details["causes"] = causes
    message = f'{group_resource} "{name}" is forbidden: {why}'
    return Failure(403, "Forbidden", message, details)


def method_not_allowed() -> Failure:
    """Say that the path exists and the method does not."""
    message = "the server does not allow this method on the requested resource"
    return Failure(405, "MethodNotAllowed", message, {})


def unsupported_media_type(given: str, accepted: Sequence[str]) -> Failure:
    """Say which content types are read."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return Failure(415, "UnsupportedMediaType", message, {"causes": [{"message": given}]})


def expired(message: str) -> Failure:
    """Say that history does not reach back that far: list again."""
    return Failure(410, "Expired", message)


def too_large_version(asked: int, current: int) -> Failure:
    """Say that the resourceVersion lies in the future."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Failure(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def too_many_requests(message: str, causes: list[Object]) -> Failure:
    """Say that it is not allowed now, and may be later."""
    return Failure(429, "TooManyRequests", message, {"causes": causes})


def not_implemented(what: str) -> Failure:
    """Say that Kubernetes has this and the embedded API does not."""
    message = f"the embedded API does not do this: {what}"
    return Failure(501, "NotImplemented", message, {})


def unavailable(message: str) -> Failure:
    """Say that the server cannot do its work now."""
    return Failure(503, "ServiceUnavailable", message, {"retryAfterSeconds": 1})
