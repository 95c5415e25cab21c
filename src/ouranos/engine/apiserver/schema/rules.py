"""Which `x-kubernetes-validations` rules does an object break? Asked once its types are right.

The rules of a schema are compiled once, when they are first needed; the compiler is imported then.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.node import Node
from ouranos.engine.apiserver.schema.validation import Key, Path, correlated, rendered_path

if TYPE_CHECKING:
    from ouranos.engine.apiserver.schema.cel.compiler import Program

Object = dict[str, Any]

_MESSAGE_LIMIT = 5 * 1024


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule: whether it holds, and what to say if not."""

    source: Object
    holds: Callable[[Any, Any], bool | str]
    message: Callable[[Any, Any], str] | None
    compares: bool
    optional: bool
    field: str


@dataclass(frozen=True, slots=True)
class _Refused:
    """A rule that does not compile."""

    source: Object
    part: str
    detail: str


class Rules:
    """The rules of one schema."""

    __slots__ = ("_compiled", "_root", "present")

    def __init__(self, root: Node) -> None:
        self._root = root
        self.present = bool(root.rules) or root.rules_below
        self._compiled: dict[int, list[_Rule | _Refused]] = {}

    def errors(self, path: str) -> list[Cause]:
        """Compile every rule and say which do not compile."""
        found: list[Cause] = []
        if self.present:
            self._refused(self._root, path, "", found)
        return found

    def evaluate(self, obj: Object, old: Object | None) -> list[Cause]:
        """Say which rules an object breaks.

        Args:
            obj: The object, with its defaults.
            old: What it replaces; rules that use `oldSelf` run only where there is an old value.
        """
        found: list[Cause] = []
        if self.present:
            self._walk(obj, old, self._root, None, found)
        return found

    def _of(self, node: Node) -> list[_Rule | _Refused]:
        compiled = self._compiled.get(id(node))
        if compiled is None:
            compiled = [_compiled(rule, node) for rule in node.rules]
            self._compiled[id(node)] = compiled
        return compiled

    def _refused(self, node: Node, path: str, lost: str, found: list[Cause]) -> None:
        """Go through the schema; `lost` is the list below which nothing has an old value."""
        for index, rule in enumerate(self._of(node) if node.rules else ()):
            where = f"{path}.x-kubernetes-validations[{index}]"
            if isinstance(rule, _Refused):
                found.append(causes.invalid(f"{where}.{rule.part}", rule.source, rule.detail))
            elif rule.compares and lost:
                detail = (
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within "
                    f"{lost}"
                )
                found.append(causes.invalid(f"{where}.rule", rule.source["rule"], detail))
        if not node.rules_below:
            return
        for key, child in node.properties.items():
            self._refused(child, f"{path}.properties[{key}]", lost, found)
        if node.values is not None:
            self._refused(node.values, f"{path}.additionalProperties", lost, found)
        if node.items is not None:
            beyond = lost if node.list_type == "map" else lost or path
            self._refused(node.items, f"{path}.items", beyond, found)

    def _walk(self, value: Any, old: Any, node: Node, path: Path, found: list[Cause]) -> None:
        if value is None:
            return
        for rule in self._of(node) if node.rules else ():
            if isinstance(rule, _Rule):
                _evaluate(rule, value, old, node, path, found)
        if not node.rules_below:
            return
        if type(value) is dict:
            self._walk_map(cast("Object", value), old, node, path, found)
        elif type(value) is list and node.items is not None:
            previous = correlated(old, node)
            for index, item in enumerate(cast("list[Any]", value)):
                self._walk(item, previous(item), node.items, (path, index), found)

    def _walk_map(
        self, value: Object, old: Any, node: Node, path: Path, found: list[Cause]
    ) -> None:
        before = cast("Object", old) if type(old) is dict else {}
        for key, item in value.items():
            child = node.properties.get(key, node.values)
            if child is not None and (child.rules or child.rules_below):
                here = key if key in node.properties else Key(key)
                self._walk(item, before.get(key), child, (path, here), found)


def _evaluate(
    rule: _Rule, value: Any, old: Any, node: Node, path: Path, found: list[Cause]
) -> None:
    if rule.compares and old is None and not rule.optional:
        return
    if old is not None and not rule.compares and value == old:
        return
    broken = rule.holds(value, old)
    if broken is True:
        return
    field = rendered_path(path) or "<nil>"
    if isinstance(broken, str):
        found.append(causes.invalid(field, node.type, broken))
        return
    if rule.field:
        field = rule.field.lstrip(".") if path is None else f"{field}{rule.field}"
    detail = rule.message(value, old) if rule.message is not None else ""
    detail = detail or _stated(rule.source)
    found.append(_cause(rule.source.get("reason"), field, value, detail))


def _cause(reason: str | None, field: str, value: Any, detail: str) -> Cause:
    omitted = type(value) in {dict, list}
    if reason == "FieldValueForbidden":
        return causes.forbidden(field, detail)
    if reason == "FieldValueRequired":
        return causes.required(field, detail)
    if reason == "FieldValueDuplicate":
        shown = "Duplicate value" if omitted else f"Duplicate value: {causes.rendered(value)}"
        return Cause(field, reason, shown)
    if omitted:
        return Cause(field, "FieldValueInvalid", f"Invalid value: {detail}")
    return causes.invalid(field, value, detail)


def _stated(rule: Object) -> str:
    message = str(rule.get("message") or "").strip()
    return message or f"failed rule: {str(rule['rule']).strip()}"


def _compiled(rule: Object, node: Node) -> _Rule | _Refused:
    from ouranos.engine.apiserver.schema.cel import compiler  # noqa: PLC0415 - lazy

    frame = _Frame(node, optional=rule.get("optionalOldSelf") is True)
    try:
        program = compiler.compiled(str(rule.get("rule", "")), frame.variables)
    except compiler.CompileError as error:
        return _Refused(rule, "rule", str(error))
    if program.result.kind not in {"bool", "dyn"}:
        return _Refused(rule, "rule", "cel expression must evaluate to a bool")
    message: Callable[[Any, Any], str] | None = None
    if rule.get("messageExpression"):
        try:
            words = compiler.compiled(str(rule["messageExpression"]), frame.variables)
        except compiler.CompileError as error:
            return _Refused(rule, "messageExpression", str(error))
        if words.result.kind not in {"string", "dyn"}:
            detail = "messageExpression must evaluate to a string"
            return _Refused(rule, "messageExpression", detail)
        message = frame.message(words)
    holds = frame.condition(program, _stated(rule).removeprefix("failed rule: "))
    compares = "oldSelf" in program.used
    field = _normalised(str(rule.get("fieldPath") or ""))
    return _Rule(rule, holds, message, compares, frame.optional, field)


class _Frame:
    """What the rules of one place see: `self` and `oldSelf`, as their schema means them."""

    def __init__(self, node: Node, *, optional: bool) -> None:
        from ouranos.engine.apiserver.schema.cel import static, values  # noqa: PLC0415 - lazy

        own = static.of_node(_visible(node))
        previous = static.Static("optional_type", None, own) if optional else own
        self.optional = optional
        self.variables = {"self": own, "oldSelf": previous}
        self._load = static.loader(own)
        self._values = values

    def _pair(self, value: Any, old: Any) -> tuple[Any, Any]:
        load = self._load
        loaded = value if load is None else load(value)
        before = old if load is None or old is None else load(old)
        if self.optional:
            before = self._values.Optional(present=old is not None, value=before)
        return loaded, before

    def condition(self, program: "Program", source: str) -> Callable[[Any, Any], bool | str]:
        """Make what evaluates a rule: true, false, or why it cannot be evaluated."""

        def holds(value: Any, old: Any) -> bool | str:
            try:
                return program.run(*self._pair(value, old)) is True
            except self._values.Fault as fault:
                detail = str(fault)
            if detail.startswith("no such overload"):
                return (
                    f"'{detail}': call arguments did not match a supported operator, function or "
                    f"macro signature for rule: {source}"
                )
            return f"{detail} evaluating rule: {source}"

        return holds

    def message(self, program: "Program") -> Callable[[Any, Any], str]:
        """Make what evaluates a message; empty where it cannot, or may not be shown."""

        def worded(value: Any, old: Any) -> str:
            try:
                text = program.run(*self._pair(value, old))
            except self._values.Fault:
                return ""
            trimmed = text.strip() if type(text) is str else ""
            return "" if "\n" in trimmed or len(trimmed) > _MESSAGE_LIMIT else trimmed

        return worded


def _normalised(field: str) -> str:
    """Turn `['a']` into `.a`, as messages name fields."""
    return field.replace("['", ".").replace("']", "")


def _visible(node: Node) -> Node:
    """Hide from rules what they may not see: of `metadata` only the names, as Kubernetes does."""
    metadata = node.properties.get("metadata")
    if metadata is None or not metadata.name:
        return node
    named = copy.copy(metadata)
    named.properties = {
        key: child for key, child in metadata.properties.items() if key in {"name", "generateName"}
    }
    shown = copy.copy(node)
    shown.properties = {**node.properties, "metadata": named}
    return shown
