"""The OpenAPI v3 document of one group and version, for `kubectl explain`, `diff` and validation.

It describes resources as kube-apiserver does, as far as clients look: the schemas with their
`x-kubernetes-group-version-kind`, and the paths with verbs and the parameters of a write.
Descriptions of Kubernetes' own fields are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ouranos.engine.apiserver.schema import definitions
from ouranos.kit.objects import Kind

Object = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_KIND = "x-kubernetes-group-version-kind"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CLUSTER_SCOPED = {
    "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "IngressClass", "Namespace",
    "Node", "PersistentVolume", "PriorityClass", "SelfSubjectAccessReview", "SelfSubjectReview",
    "SelfSubjectRulesReview", "StorageClass", "SubjectAccessReview", "TokenReview",
}  # fmt: skip
_ONLY_CREATED = {
    "Binding", "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectReview",
    "SelfSubjectRulesReview", "SubjectAccessReview", "TokenReview",
}  # fmt: skip
_NOT_RESOURCES = {"Eviction", "Scale"}
_PATCHES = (
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
)  # fmt: skip
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class _Resource:
    kind: Kind
    definition: str
    created_only: bool = False
    subresources: tuple[str, ...] = ()
    patches: tuple[str, ...] = (*_PATCHES, _STRATEGIC)


def document(group: str, version: str, crds: Sequence[Object]) -> Object:
    """Write the document of a group and version.

    Args:
        group: The group; empty for the core group.
        version: The version.
        crds: CustomResourceDefinitions; those of other groups or versions are passed over.
    """
    schemas: dict[str, Object] = {}
    resources = [*_built_in(group, version), *_custom(group, version, crds, schemas)]
    wanted = {resource.definition for resource in resources} - schemas.keys()
    wanted |= {
        f"{_META}{name}" for name in ("DeleteOptions", "ListMeta", "ObjectMeta", "Patch", "Status")
    }
    _collect(wanted, schemas)
    paths: dict[str, Object] = {}
    for resource in resources:
        _add_list(resource, schemas)
        paths |= dict(_paths(resource))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": definitions.version()},
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _plural(kind: str) -> str:
    name = kind.lower()
    if name == "endpoints":
        return name
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def _built_in(group: str, version: str) -> Iterator[_Resource]:
    api_version = f"{group}/{version}" if group else version
    for known, name in definitions.names().items():
        its_version, kind = known.split()
        if its_version == api_version and kind not in _NOT_RESOURCES:
            plural = _plural(kind)
            properties = definitions.definition(name).get("properties", {})
            yield _Resource(
                Kind(group, version, kind, plural, namespaced=kind not in _CLUSTER_SCOPED),
                name,
                created_only=kind in _ONLY_CREATED,
                subresources=("status",) if "status" in properties else (),
            )


def _custom(
    group: str, version: str, crds: Sequence[Object], schemas: dict[str, Object]
) -> Iterator[_Resource]:
    for crd in crds:
        spec = cast("Object", crd["spec"])
        served = [one for one in spec["versions"] if one["name"] == version and one.get("served")]
        if spec["group"] != group or not served:
            continue
        names = spec["names"]
        kind = Kind(
            group, version, names["kind"], names["plural"], spec.get("scope") == "Namespaced"
        )
        definition = f"{'.'.join(reversed(group.split('.')))}.{version}.{kind.kind}"
        schemas[definition] = _custom_schema(kind, served[0])
        subresources = tuple(served[0].get("subresources") or ())
        yield _Resource(kind, definition, subresources=subresources, patches=_PATCHES)


def _custom_schema(kind: Kind, served: Object) -> Object:
    declared = cast("Object", served.get("schema") or {})
    schema = dict(cast("Object", declared.get("openAPIV3Schema") or {}))
    text: Object = {"type": "string"}
    schema["properties"] = {
        **cast("Object", schema.get("properties") or {}),
        "apiVersion": text,
        "kind": text,
        "metadata": {"allOf": [{"$ref": f"{_REFERENCE}{_META}ObjectMeta"}]},
    }
    schema[_KIND] = [_kind(kind)]
    return schema


def _kind(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _collect(wanted: set[str], schemas: dict[str, Object]) -> None:
    """Add definitions and all that they refer to."""
    kinds = {name: known for known, name in definitions.names().items()}
    pending = sorted(wanted)
    while pending:
        name = pending.pop()
        if name in schemas:
            continue
        schema = definitions.definition(name)
        if name in kinds:
            api_version, kind = kinds[name].split()
            group, _, version = api_version.rpartition("/")
            schema[_KIND] = [{"group": group, "version": version, "kind": kind}]
        schemas[name] = schema
        pending += _qualify(schema)


def _qualify(schema: Any) -> Iterator[str]:
    """Turn plain references into document references, in place, and yield their names."""
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            yield from _qualify(item)
    elif isinstance(schema, dict):
        entry = cast("Object", schema)
        reference = entry.get("$ref")
        if isinstance(reference, str):
            yield reference
            del entry["$ref"]
            entry["allOf"] = [{"$ref": f"{_REFERENCE}{reference}"}]
            return
        for item in entry.values():
            yield from _qualify(item)


def _add_list(resource: _Resource, schemas: dict[str, Object]) -> None:
    if resource.created_only:
        return
    text: Object = {"type": "string"}
    listed = {**_kind(resource.kind), "kind": f"{resource.kind.kind}List"}
    schemas[f"{resource.definition}List"] = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"allOf": [{"$ref": f"{_REFERENCE}{_META}ListMeta"}]},
            "items": {
                "type": "array",
                "items": {"allOf": [{"$ref": f"{_REFERENCE}{resource.definition}"}]},
            },
        },
        _KIND: [listed],
    }


def _parameter(name: str, type_: str = "string", place: str = "query") -> Object:
    parameter: Object = {"name": name, "in": place, "schema": {"type": type_, "uniqueItems": True}}
    return {**parameter, "required": True} if place == "path" else parameter


_WRITE = [_parameter("dryRun"), _parameter("fieldManager"), _parameter("fieldValidation")]
_LIST = [
    *(_parameter(name) for name in ("continue", "fieldSelector", "labelSelector")),
    _parameter("limit", "integer"),
    *(_parameter(name) for name in ("resourceVersion", "resourceVersionMatch")),
    _parameter("timeoutSeconds", "integer"),
    _parameter("watch", "boolean"),
]


def _content(definition: str, *types: str) -> Object:
    schema: Object = {"$ref": f"{_REFERENCE}{definition}"}
    return {"content": {type_: {"schema": schema} for type_ in types or ("application/json",)}}


def _operation(
    resource: _Resource, action: str, answer: str, parameters: Sequence[Object] = (), **more: Any
) -> Object:
    answered = {"description": "OK", **_content(answer)}
    return {
        "x-kubernetes-action": action,
        _KIND: _kind(resource.kind),
        "parameters": list(parameters),
        "responses": {"200": answered},
        **more,
    }


def _paths(resource: _Resource) -> Iterator[tuple[str, Object]]:
    kind = resource.kind
    name = resource.definition
    body = {"requestBody": _content(name)}
    scope = [_parameter("namespace", place="path")] if kind.namespaced else []
    collection: Object = {
        "parameters": scope,
        "post": _operation(resource, "post", name, _WRITE, **body),
    }
    where = kind.path("{namespace}" if kind.namespaced else None)
    if resource.created_only:
        yield where, collection
        return
    yield where, {"get": _operation(resource, "list", f"{name}List", _LIST), **collection}
    if kind.namespaced:
        yield kind.path(), {"get": _operation(resource, "list", f"{name}List", _LIST)}
    one = {"parameters": [*scope, _parameter("name", place="path")]}
    patch = _operation(
        resource, "patch", name, [*_WRITE, _parameter("force", "boolean")],
        requestBody=_content(f"{_META}Patch", *resource.patches),
    )  # fmt: skip
    item: Object = {
        "get": _operation(resource, "get", name),
        "put": _operation(resource, "put", name, _WRITE, **body),
        "patch": patch,
    }
    delete = _operation(
        resource, "delete", f"{_META}Status", [_parameter("dryRun")],
        requestBody=_content(f"{_META}DeleteOptions"),
    )  # fmt: skip
    yield f"{where}/{{name}}", {**item, "delete": delete, **one}
    for subresource in resource.subresources:
        if subresource == "status":
            yield f"{where}/{{name}}/status", {**item, **one}
