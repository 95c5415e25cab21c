"""What can go wrong, sorted by what follows? A library's exceptions stop where it is wrapped."""

from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object


class OuranosError(Exception):
    """Everything that Ouranos raises on purpose."""


class Transient(OuranosError):
    """It may pass: try again later."""


class Terminal(OuranosError):
    """Trying again is useless until the spec, or what the message names, changes."""

    def __init__(self, reason: conditions.Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Unreachable(Transient):
    """A server did not answer."""


class ApiError(Transient):
    """The Kubernetes API refused a request; `details` is its Status object."""

    def __init__(self, status: int, reason: str, message: str, details: Object) -> None:
        super().__init__(f"{message} ({status} {reason})")
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details


class NotFound(ApiError):
    """404: the object, or its kind, does not exist."""


class Conflict(ApiError):
    """409: somebody else has changed the object, or owns the field."""


class AlreadyExists(ApiError):
    """409: there is an object of this name."""


class Gone(ApiError):
    """410: the asked version is too old; list again."""


class Invalid(ApiError):
    """422: the object breaks a rule of its kind."""


class Forbidden(ApiError):
    """403: this identity, or the present state, does not allow the request."""


class TooManyRequests(ApiError):
    """429: for now; an eviction that a disruption budget holds back is answered so."""


_BY_STATUS: dict[int, type[ApiError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def api_error(status: int, details: Object) -> ApiError:
    """Return the error that fits the server's answer."""
    reason = str(details.get("reason") or "")
    message = str(details.get("message") or "the API gave no message")
    chosen = _BY_STATUS.get(status, ApiError)
    if reason == "AlreadyExists":
        chosen = AlreadyExists
    elif reason == "Expired":
        chosen = Gone
    return chosen(status, reason, message, details)


def is_of_the_end(error: BaseException) -> bool:
    """Whether the server refused to make something because its namespace is being deleted."""
    if not isinstance(error, Forbidden):
        return False
    causes: list[Object] = objects.entries(error.details, "details", "causes")
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
