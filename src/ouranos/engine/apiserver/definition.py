"""Is a CustomResourceDefinition acceptable, and what is added to it? Asked when one is written."""

from typing import cast

from ouranos.engine.apiserver import failure, fields
from ouranos.engine.apiserver.schema import cause, structural
from ouranos.engine.apiserver.tables import jsonpath
from ouranos.kit.objects import Object

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def check(obj: Object) -> list[cause.Cause]:
    """Say what is wrong with a definition beyond its own schema.

    Raises:
        failure.Failure: it asks for what is not done here.
    """
    spec: Object = obj["spec"]
    names: Object = spec["names"]
    found: list[cause.Cause] = []
    expected = f"{names['plural']}.{spec['group']}"
    name: str = obj["metadata"].get("name", "")
    if name != expected:
        found.append(
            cause.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
        )
    if fields.at(spec, "conversion", "strategy") not in {None, "None"}:
        raise failure.not_implemented("conversion webhooks of custom resources")
    versions = cast("list[Object]", spec["versions"])
    if sum(1 for each in versions if each.get("storage")) != 1:
        message = "must have exactly one version marked as storage version"
        found.append(cause.invalid("spec.versions", [each["name"] for each in versions], message))
    if len({each["name"] for each in versions}) != len(versions):
        found.append(cause.duplicate("spec.versions", "must contain unique version names"))
    for index, version in enumerate(versions):
        found += _check_version(version, f"spec.versions[{index}]")
    return found


def _check_version(version: Object, path: str) -> list[cause.Cause]:
    schema = fields.part(version, "schema", "openAPIV3Schema")
    if not schema:
        return [cause.required(f"{path}.schema.openAPIV3Schema", "schemas are required")]
    try:
        structural.Structural.parse(schema, path=f"{path}.schema.openAPIV3Schema")
    except structural.SchemaError as error:
        return list(error.causes)
    found: list[cause.Cause] = []
    for index, column in enumerate(fields.listed(version, "additionalPrinterColumns")):
        try:
            jsonpath.parse(column["jsonPath"])
        except jsonpath.PathError as error:
            place = f"{path}.additionalPrinterColumns[{index}].jsonPath"
            found.append(cause.invalid(place, column["jsonPath"], str(error)))
    return found


def complete(obj: Object, time: str, *, taken: bool) -> None:
    """Fill in what the server says about a definition: names, finalizer and conditions."""
    spec, metadata = obj["spec"], obj["metadata"]
    names: Object = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    if "deletionTimestamp" not in metadata and FINALIZER not in metadata.get("finalizers", []):
        metadata["finalizers"] = [*metadata.get("finalizers", []), FINALIZER]
    status: Object = obj.setdefault("status", {})
    stored: list[str] = status.get("storedVersions") or []
    (now,) = (each["name"] for each in spec["versions"] if each["storage"])
    status["storedVersions"] = stored if now in stored else [*stored, now]
    status["acceptedNames"] = dict(names)
    verdict = "False" if taken else "True"
    reasons = ("KindConflict", "NotAccepted") if taken else ("NoConflicts", "InitialNamesAccepted")
    messages = (
        (f'"{names["kind"]}" is already in use', "not all names are accepted")
        if taken
        else ("no conflicts found", "the initial names have been accepted")
    )
    before = {each["type"]: each for each in fields.listed(status, "conditions")}
    status["conditions"] = [
        before[kind]
        if before.get(kind, {}).get("status") == verdict
        else {
            "type": kind,
            "status": verdict,
            "lastTransitionTime": time,
            "reason": reason,
            "message": message,
        }
        for kind, reason, message in zip(
            ("NamesAccepted", "Established"), reasons, messages, strict=True
        )
    ]
