"""What does a printer column's path find? The part of JSONPath that kubectl and CRDs use."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

_TOKEN = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\]\\])+)
      | \.\.(?P<deep>[^.\[\]]+)
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \[['"](?P<quoted>[^'"]*)['"]\]
      | \[\?\(\s*@(?P<left>[^=!<>]*?)\s*(?P<operator>==|!=)\s*
        (?P<right>"[^"]*"|'[^']*'|[^)\s]+)\s*\)\]
    """,
    re.VERBOSE,
)

Step = dict[str, str]


class PathError(ValueError):
    """A path that cannot be read."""


def parse(path: str) -> tuple[Step, ...]:
    """Read a path such as `.status.conditions[?(@.type=="Ready")].status`.

    Raises:
        PathError: it is not one.
    """
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if not text.startswith((".", "[")):
        text = f".{text}"
    steps: list[Step] = []
    position = 0
    while position < len(text) and text != ".":
        found = _TOKEN.match(text, position)
        if found is None:
            raise PathError(f"{path}: cannot be read from {text[position:]!r}")
        steps.append(
            {name: value for name, value in found.groupdict().items() if value is not None}
        )
        position = found.end()
    return tuple(steps)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def _below(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict) and name in value:
        yield cast("dict[str, Any]", value)[name]
    for child in _children(value):
        yield from _below(child, name)


def _matches(item: Any, step: Step) -> bool:
    found = list(find(item, parse(step["left"] or ".")))
    right = step["right"].strip("\"'")
    equal = any(_text(each) == right for each in found)
    return equal is (step["operator"] == "==")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step(value: Any, step: Step) -> Iterable[Any]:
    if "deep" in step:
        return _below(value, step["deep"])
    if "all" in step or step.get("name") == "*":
        return _children(value)
    if "operator" in step:
        return [item for item in _children(value) if _matches(item, step)]
    if "index" in step:
        items = cast("list[Any]", value) if isinstance(value, list) else []
        index = int(step["index"])
        return items[index : index + 1 or None]
    name = step["quoted"] if "quoted" in step else re.sub(r"\\(.)", r"\1", step["name"])
    if isinstance(value, dict) and name in value:
        return [cast("dict[str, Any]", value)[name]]
    return []


def find(value: Any, steps: Iterable[Step]) -> list[Any]:
    """Give everything that a path finds."""
    found = [value]
    for step in steps:
        found = [each for item in found for each in _step(item, step)]
    return found
