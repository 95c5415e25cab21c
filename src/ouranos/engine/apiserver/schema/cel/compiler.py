"""From an expression's tree to a closure that evaluates it; asked once per rule and schema.

Every subtree becomes a function of the environment, a list with one slot per variable. What is
known of types (`static`) serves to refuse what can never work, and to read formats such as
`date-time`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel import (
    constants,
    functions,
    kubernetes,
    lists,
    operators,
    signatures,
    static,
    syntax,
    values,
)
from ouranos.engine.apiserver.schema.cel.static import DYN, Static
from ouranos.engine.apiserver.schema.cel.syntax import Tree
from ouranos.engine.apiserver.schema.cel.tokens import SyntaxFault
from ouranos.engine.apiserver.schema.cel.values import NONE, Fault, Optional

Environment = list[Any]
Code = Callable[[Environment], Any]
Typed = tuple[Code, Static]

FUNCTIONS: Mapping[str, Callable[..., Any]] = {**functions.FUNCTIONS, **kubernetes.FUNCTIONS}


class CompileError(Exception):
    """An expression that Kubernetes would refuse; the text is what its compiler would say."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression."""

    code: Code
    result: Static
    used: frozenset[str]
    slots: int

    def run(self, *arguments: Any) -> Any:
        """Evaluate with the variables' values, in the order in which they were declared.

        Raises:
            Fault: the expression cannot be evaluated.
        """
        environment: Environment = [*arguments, *[None] * (self.slots - len(arguments))]
        try:
            return self.code(environment)
        except RecursionError:
            raise Fault("expression recursion limit exceeded") from None


def compiled(text: str, variables: Mapping[str, Static]) -> Program:
    """Compile an expression.

    Args:
        text: The expression.
        variables: The names that it may use, and what is known of their values.

    Raises:
        CompileError: it does not parse, or can never evaluate.
    """
    compiler = Compiler(variables)
    try:
        code, result = compiler.compile(syntax.parse(text))
    except SyntaxFault as fault:
        raise CompileError(_described(text, fault)) from None
    except RecursionError:
        raise CompileError("compilation failed: expression recursion limit exceeded") from None
    return Program(code, result, frozenset(compiler.used), compiler.slots)


def _described(text: str, fault: SyntaxFault) -> str:
    before = text[: fault.offset]
    line = before.count("\n") + 1
    column = fault.offset - (before.rfind("\n") + 1)
    shown = text.splitlines()[line - 1] if text else ""
    where = f"ERROR: <input>:{line}:{column + 1}: {fault.message}"
    return f"compilation failed: {where}\n | {shown}\n | {'.' * column}^"


class Compiler:
    """Compiles one expression; `used` are the declared variables that it refers to."""

    def __init__(self, variables: Mapping[str, Static]) -> None:
        self.scope: dict[str, tuple[int, Static]] = {
            name: (slot, known) for slot, (name, known) in enumerate(variables.items())
        }
        self.slots = len(variables)
        self.used: set[str] = set()
        self._declared = len(variables)
        self._mixed: Tree | None = None

    def compile(self, tree: Tree) -> Typed:
        """Compile a subtree."""
        return _COMPILERS[type(tree)](self, tree)

    def bound(
        self, names: tuple[str, ...], known: tuple[Static, ...], body: Tree
    ) -> tuple[tuple[int, ...], Typed]:
        """Compile a body that may use more names; return their slots and the body."""
        outer = dict(self.scope)
        slots = tuple(range(self.slots, self.slots + len(names)))
        self.slots += len(names)
        for name, slot, one in zip(names, slots, known, strict=True):
            self.scope[name] = (slot, one)
        try:
            return slots, self.compile(body)
        finally:
            self.scope = outer

    def literal(self, tree: syntax.Literal) -> Typed:
        """Compile a constant."""
        value = tree.value
        return lambda _: value, static.of_literal(value)

    def identifier(self, tree: syntax.Identifier) -> Typed:
        """Compile a name."""
        if tree.name in self.scope:
            slot, known = self.scope[tree.name]
            if slot < self._declared:
                self.used.add(tree.name)
            return lambda environment: environment[slot], known
        if tree.name in signatures.TYPES:
            value = values.Kind(signatures.TYPES[tree.name])
            return lambda _: value, static.TYPE
        raise SyntaxFault(f"undeclared reference to '{tree.name}' (in container '')", tree.offset)

    def select(self, tree: syntax.Select) -> Typed:
        """Compile the selection of a field."""
        operand, known = self.compile(tree.operand)
        name, found = field(known, tree)
        load = static.loader(found)
        if tree.optional or known.kind == "optional_type":
            return _optional_selection(operand, name, load), Static("optional_type", None, found)

        def code(environment: Environment) -> Any:
            container = operand(environment)
            if type(container) is dict:
                if name not in container:
                    raise Fault(f"no such key: {name}")
                value = cast("Any", container[name])
                return value if load is None else load(value)
            if type(container) is Optional:
                return operators.optional_index(container, name)
            raise Fault(f"no such key: {name}")

        return code, found

    def index(self, tree: syntax.Index) -> Typed:
        """Compile an index."""
        operand, known = self.compile(tree.operand)
        key, key_static = self.compile(tree.index)
        impossible = known.kind == "list" and key_static.kind in {"string", "bool"}
        if impossible or known.kind == "object":
            raise signatures.mismatch("_[_]", (known, key_static), tree.offset)
        found = known.item or DYN
        load = static.loader(found)
        if tree.optional or known.kind == "optional_type":
            wrapped = Static("optional_type", None, found)
            return (
                lambda env: _loaded(operators.optional_index(operand(env), key(env)), load),
                wrapped,
            )
        if load is None:
            return lambda env: operators.index(operand(env), key(env)), found
        return lambda env: load(operators.index(operand(env), key(env))), found

    def list_of(self, tree: syntax.ListOf) -> Typed:
        """Compile a list."""
        parts = [self.compile(item) for item in tree.items]
        free = tree.optional or tree is self._mixed
        item = DYN if free else _alike(list(zip(tree.items, parts, strict=True)))
        codes = [code for code, _ in parts]
        if not tree.optional:
            return lambda env: [code(env) for code in codes], Static("list", None, item)
        marked = [(code, at in tree.optional) for at, code in enumerate(codes)]

        def build(environment: Environment) -> list[Any]:
            made: list[Any] = []
            for code, optional in marked:
                value = code(environment)
                if not optional:
                    made.append(value)
                elif value.present:
                    made.append(value.value)
            return made

        return build, Static("list", None, DYN)

    def map_of(self, tree: syntax.MapOf) -> Typed:
        """Compile a map."""
        keys = [self.compile(key) for key, _ in tree.entries]
        items = [self.compile(value) for _, value in tree.entries]
        trees = [value for _, value in tree.entries]
        free = tree.optional or tree is self._mixed
        item = DYN if free else _alike(list(zip(trees, items, strict=True)))
        parts = [
            (key, value, at in tree.optional)
            for at, ((key, _), (value, _)) in enumerate(zip(keys, items, strict=True))
        ]

        def build(environment: Environment) -> dict[Any, Any]:
            made: dict[Any, Any] = {}
            for key, value, optional in parts:
                entry = value(environment)
                if not optional:
                    made[key(environment)] = entry
                elif entry.present:
                    made[key(environment)] = entry.value
            return made

        return build, Static("map", None, item)

    def call(self, tree: syntax.Call) -> Typed:
        """Compile a macro, an operator or a function."""
        from ouranos.engine.apiserver.schema.cel import macros  # noqa: PLC0415 - mutual

        made = macros.expanded(self, tree)
        if made is not None:
            return made
        if tree.name in _LOGIC:
            return _LOGIC[tree.name](self, tree)
        qualified = _qualified(self, tree)
        if qualified is not None:
            arguments, name = tree.arguments, qualified
        else:
            target = () if tree.target is None else (tree.target,)
            arguments, name = (*target, *tree.arguments), tree.name
        constants.check(name, arguments)
        self._mixed = arguments[-1] if name == "format" and arguments else None
        parts = [self.compile(argument) for argument in arguments]
        known = tuple(one for _, one in parts)
        function = operators.OPERATORS.get(name) or FUNCTIONS.get(name)
        if function is None:
            raise SyntaxFault(f"undeclared reference to '{name}' (in container '')", tree.offset)
        if not signatures.takes(
            function, name, len(parts), method=qualified is None and tree.target is not None
        ):
            raise signatures.mismatch(name, known, tree.offset)
        result = signatures.result(name, known, tree.offset)
        function = lists.specialised(name, known) or function
        return _called(name, function, [code for code, _ in parts]), result


def _alike(parts: list[tuple[Tree, Typed]]) -> Static:
    """Return the type of a literal's items, which must be one type as far as it is known."""
    first = next((known for _, (_, known) in parts if known.kind != "dyn"), DYN)
    same = True
    for tree, (_, known) in parts:
        if known.kind not in {first.kind, "dyn"}:
            text = f"expected type '{first.kind}' but found '{known.kind}'"
            raise SyntaxFault(text, tree.offset)
        same = same and known == first
    return first if same else DYN


def _qualified(compiler: Compiler, tree: syntax.Call) -> str | None:
    target = tree.target
    if isinstance(target, syntax.Identifier) and target.name not in compiler.scope:
        name = f"{target.name}.{tree.name}"
        return name if name in FUNCTIONS else None
    return None


def _called(name: str, function: Callable[..., Any], codes: list[Code]) -> Code:
    if len(codes) == 1:
        (only,) = codes
        return lambda env: _guarded(name, function, (only(env),))
    if len(codes) == 2 and name in operators.OPERATORS:  # noqa: PLR2004
        left, right = codes
        return lambda env: function(left(env), right(env))
    return lambda env: _guarded(name, function, tuple(code(env) for code in codes))


def _guarded(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function; one that does not take these types says so as CEL does."""
    try:
        return function(*arguments)
    except (TypeError, AttributeError):
        raise Fault(f"no such overload: {name}") from None


def _loaded(value: Optional, load: Callable[[Any], Any] | None) -> Optional:
    if load is None or not value.present:
        return value
    return Optional(present=True, value=load(value.value))


def _optional_selection(operand: Code, name: str, load: Callable[[Any], Any] | None) -> Code:
    def code(environment: Environment) -> Optional:
        container = operand(environment)
        if type(container) is Optional:
            if not container.present:
                return NONE
            container = container.value
        if type(container) is dict:
            if name not in container:
                return NONE
            return _loaded(Optional(present=True, value=container[name]), load)
        return NONE

    return code


def field(known: Static, tree: syntax.Select) -> tuple[str, Static]:
    """Find a field in what is known of a value; its name may be escaped in the expression."""
    if known.kind == "optional_type":
        known = known.item or DYN
    if known.kind == "object" and known.node is not None:
        name = signatures.unescaped(tree.name)
        child = known.node.properties.get(name)
        if child is None or (child.open and not child.type):
            raise SyntaxFault(f"undefined field '{tree.name}'", tree.offset)
        return name, static.of_node(child)
    if known.kind == "map":
        return tree.name, known.item or DYN
    if known.kind == "dyn":
        return signatures.unescaped(tree.name), DYN
    raise SyntaxFault(f"type '{known.kind}' does not support field selection", tree.offset)


def _condition(compiler: Compiler, tree: syntax.Call) -> Typed:
    (test, kind), (yes, one), (no, other) = map(compiler.compile, tree.arguments)
    different = one.kind != other.kind and "dyn" not in {one.kind, other.kind}
    if kind.kind not in {"bool", "dyn"} or (different and "null" not in {one.kind, other.kind}):
        raise signatures.mismatch("_?_:_", (kind, one, other), tree.offset)
    result = one if one == other else DYN

    def code(environment: Environment) -> Any:
        chosen = test(environment)
        if chosen is True:
            return yes(environment)
        if chosen is False:
            return no(environment)
        raise values.no_overload()

    return code, result


def _joined(*, decisive: bool) -> Callable[[Compiler, syntax.Call], Typed]:
    """Make `&&` (decided by false) or `||` (decided by true); both forgive errors if decided."""

    def compile_(compiler: Compiler, tree: syntax.Call) -> Typed:
        (left, one), (right, other) = map(compiler.compile, tree.arguments)
        if one.kind not in {"bool", "dyn"} or other.kind not in {"bool", "dyn"}:
            raise signatures.mismatch(tree.name, (one, other), tree.offset)
        return lambda env: _decided(env, left, right, decisive=decisive), static.BOOL

    return compile_


def _decided(environment: Environment, left: Code, right: Code, *, decisive: bool) -> bool:
    try:
        first = left(environment)
    except Fault:
        if right(environment) is decisive:
            return decisive
        raise
    if first is decisive:
        return decisive
    second = right(environment)
    if second is decisive:
        return decisive
    if type(first) is not bool or type(second) is not bool:
        raise values.no_overload()
    return not decisive


_LOGIC: Mapping[str, Callable[[Compiler, syntax.Call], Typed]] = {
    "_?_:_": _condition,
    "_&&_": _joined(decisive=False),
    "_||_": _joined(decisive=True),
}

_COMPILERS: Mapping[type, Callable[[Compiler, Any], Typed]] = {
    syntax.Literal: Compiler.literal,
    syntax.Identifier: Compiler.identifier,
    syntax.Select: Compiler.select,
    syntax.Index: Compiler.index,
    syntax.ListOf: Compiler.list_of,
    syntax.MapOf: Compiler.map_of,
    syntax.Call: Compiler.call,
}
