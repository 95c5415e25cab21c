"""What does a path name? Asked by the handler for every request."""

from dataclasses import dataclass
from urllib.parse import unquote

from ouranos.engine.apiserver import failure

_OF_NAMESPACE = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Route:
    """The parts of a path below /api or /apis; empty where the path does not say."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


def parse(path: str) -> Route:
    """Read the path of a resource.

    Raises:
        failure.Failure: the path is not one.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case ["api", version, *below]:
            group = ""
        case ["apis", group, version, *below]:
            pass
        case _:
            raise failure.no_such_path()
    namespace = ""
    match below:
        case ["namespaces", _, sub] if sub in _OF_NAMESPACE and not group:
            pass
        case ["namespaces", namespace, _, *_]:
            below = below[2:]
        case _:
            pass
    if not below or not all(below):
        raise failure.no_such_path()
    plural, name, subresource, *rest = [*below, "", ""] if len(below) < 3 else below  # noqa: PLR2004
    return Route(group, version, plural, namespace, name, subresource, "/".join(filter(None, rest)))
