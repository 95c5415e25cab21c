"""Is a CustomResourceDefinition acceptable? Its names, its versions and the schema of each.

The rules and words are those of apiextensions' own validation.
"""

from typing import Any, cast

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import metadata, once, podchecks, structural
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]


def definition(obj: Object, old: Object | None) -> list[Cause]:
    """Check a CustomResourceDefinition."""
    spec = part(obj, "spec") or {}
    group = spec.get("group", "")
    names = part(spec, "names") or {}
    found = _names(obj, group, names)
    found += podchecks.one_of(spec.get("scope"), ("Cluster", "Namespaced"), "spec.scope")
    versions = items(spec.get("versions"))
    seen: set[str] = set()
    for index, version in enumerate(versions):
        where = f"spec.versions[{index}]"
        name = version.get("name", "")
        found += [causes.invalid(f"{where}.name", name, text) for text in metadata.label_1035(name)]
        if name in seen:
            detail = "must contain unique version names"
            found.append(causes.invalid("spec.versions", name, detail))
        seen.add(name)
        found += _schema(version, len(versions), where)
    if sum(version.get("storage") is True for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        listed = [{"name": one.get("name"), "storage": one.get("storage")} for one in versions]
        found.append(causes.invalid("spec.versions", listed, detail))
    if old is not None:
        found += _kept(spec, part(old, "spec") or {})
    return found


def _names(obj: Object, group: str, names: Object) -> list[Cause]:
    found: list[Cause] = []
    plural = names.get("plural", "")
    expected = f"{plural}.{group}"
    given = (part(obj, "metadata") or {}).get("name")
    if given != expected:
        detail = 'must be spec.names.plural+"."+spec.group'
        found.append(causes.invalid("metadata.name", given or "", detail))
    if not group:
        found.append(causes.required("spec.group"))
    elif len(group.split(".")) < 2:  # noqa: PLR2004 - a domain has a dot
        detail = "should be a domain with at least one dot"
        found.append(causes.invalid("spec.group", group, detail))
    else:
        found += [causes.invalid("spec.group", group, text) for text in metadata.subdomain(group)]
    for key in ("plural", "singular", "kind", "listKind"):
        name = str(names.get(key, ""))
        texts = metadata.label_1035(name.lower())
        found += [causes.invalid(f"spec.names.{key}", name, text) for text in texts]
    if names.get("listKind") == names.get("kind"):
        detail = "kind and listKind may not be the same"
        found.append(causes.invalid("spec.names.listKind", names.get("listKind"), detail))
    return found


def _schema(version: Object, count: int, field: str) -> list[Cause]:
    schema = part(part(version, "schema") or {}, "openAPIV3Schema")
    if schema is None:
        return [causes.required(f"{field}.schema.openAPIV3Schema")]
    path = "spec.validation.openAPIV3Schema" if count == 1 else f"{field}.schema.openAPIV3Schema"
    try:
        once.parse(schema, has_status="status" in (part(version, "subresources") or {}), path=path)
    except structural.SchemaError as error:
        return list(error.causes)
    return []


def _kept(spec: Object, before: Object) -> list[Cause]:
    found: list[Cause] = []
    pairs = [("group", spec, before), ("scope", spec, before)]
    names, old_names = part(spec, "names") or {}, part(before, "names") or {}
    pairs += [("names.kind", names, old_names), ("names.plural", names, old_names)]
    for key, now, then in pairs:
        name = key.rpartition(".")[2]
        if now.get(name) != then.get(name):
            value = cast("Any", now.get(name))
            found.append(causes.invalid(f"spec.{key}", value, "field is immutable"))
    return found
