"""Makes answers of two servers comparable: names for identities, versions and times."""

import re
from typing import Any, cast

Object = dict[str, Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GIVEN = "2026-01-02T03:04:05Z"


class Normaliser:
    """Replaces what may differ; the same thing gets the same word, in order of appearance."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._uids: dict[str, str] = {}

    def answer(self, body: Any) -> Any:
        """Give an answer or an event without what may differ."""
        if isinstance(body, dict):
            return self._object(cast("Object", body))
        if isinstance(body, list):
            return [self.answer(each) for each in cast("list[Any]", body)]
        return self._text(body) if isinstance(body, str) else body

    def _object(self, body: Object) -> Object:
        result: Object = {}
        if str(body.get("kind")).endswith("List") and "items" in body:
            # The version of a list is that of the whole server, where others write too.
            passing = ("resourceVersion", "continue")
            kept = {key: one for key, one in body["metadata"].items() if key not in passing}
            body = {**body, "metadata": kept}
        for key, value in body.items():
            if key == "resourceVersion" and isinstance(value, str):
                result[key] = self._versions.setdefault(value, f"version {len(self._versions)}")
            elif key == "managedFields":
                result[key] = _managers(value)
            else:
                result[key] = self.answer(value)
        if result.get("kind") == "Status":
            _status(result)
        return result

    def _text(self, text: str) -> str:
        for version, word in self._versions.items():
            if "ersion" in text and version in text:
                text = re.sub(rf"\b{version}\b", word, text)
        text = _TIME.sub(lambda found: found[0] if found[0] == _GIVEN else "TIME", text)
        return _UID.sub(
            lambda found: self._uids.setdefault(found[0], f"uid {len(self._uids)}"), text
        )


def _managers(entries: list[Object]) -> list[Object]:
    """Sort by everything but the time: two servers do not write in the same second."""
    bare = [{key: each[key] for key in each if key != "time"} for each in entries]
    return sorted(
        bare, key=lambda each: (each["operation"], each["manager"], each.get("subresource", ""))
    )


def _status(status: Object) -> None:
    """Put causes into an order: Kubernetes finds them in that of a Go map, some of them twice."""
    details = status.get("details", {})
    found: list[Object] = details.get("causes", [])
    if not found:
        return
    unique = {(each.get("field", ""), each.get("message", "")): each for each in found}
    details["causes"] = [unique[key] for key in sorted(unique)]
    status["message"] = re.sub(
        r" is invalid: .*", " is invalid", status["message"], flags=re.DOTALL
    )
