"""Is a CustomResourceDefinition acceptable, and what is added to it? Asked when one is written."""

from ouranos.engine.apiserver import failure, fields
from ouranos.engine.apiserver.schema import cause
from ouranos.engine.apiserver.tables import jsonpath
from ouranos.kit.objects import Object

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def check(obj: Object) -> list[cause.Cause]:
    """Say what is wrong with a definition beyond its own schema's checks.

    Raises:
        failure.Failure: it asks for what is not done here.
    """
    if fields.at(obj, "spec", "conversion", "strategy") not in {None, "None"}:
        raise failure.not_implemented("conversion webhooks of custom resources")
    found: list[cause.Cause] = []
    for number, version in enumerate(fields.listed(obj, "spec", "versions")):
        columns = fields.listed(version, "additionalPrinterColumns")
        for index, column in enumerate(columns):
            try:
                jsonpath.parse(column["jsonPath"])
            except jsonpath.PathError as error:
                place = f"spec.versions[{number}].additionalPrinterColumns[{index}].jsonPath"
                found.append(cause.invalid(place, column["jsonPath"], str(error)))
    return found


def complete(obj: Object, time: str, *, taken: bool) -> None:
    """Fill in what the server says about a definition: finalizer, names and conditions."""
    spec, metadata = obj["spec"], obj["metadata"]
    names: Object = spec["names"]
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
