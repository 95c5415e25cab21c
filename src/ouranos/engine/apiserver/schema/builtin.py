"""The schemas of Kubernetes' own kinds, and the OpenAPI documents of all kinds for kubectl."""

from collections.abc import Sequence
from functools import cache

from ouranos.engine.apiserver.schema import checks, defaults, definitions, openapi
from ouranos.engine.apiserver.schema.structural import Structural
from ouranos.kit.objects import Kind, Object


@cache
def _structural(name: str) -> Structural:
    root = definitions.node(definitions.names()[name])
    return Structural(
        root,
        built_in=True,
        has_status="status" in root.properties,
        default=defaults.DEFAULTS.get(name),
        check=checks.CHECKS.get(name),
        syntax=checks.syntax(name),
    )


def structural(kind: Kind) -> Structural:
    """Return the schema of a built-in kind; read from the package on first use.

    Raises:
        KeyError: Kubernetes has no such kind, or the list in the generator lacks it.
    """
    return _structural(f"{kind.api_version} {kind.kind}")


def openapi_v3(group: str, version: str, crds: Sequence[Object]) -> Object:
    """Return the OpenAPI v3 document of a group and version, as at `/openapi/v3/apis/<g>/<v>`.

    Args:
        group: The group; empty for the core group.
        version: The version.
        crds: CustomResourceDefinitions; those of other groups or versions are passed over.
    """
    return openapi.document(group, version, crds)
