"""The macros of CEL: `has`, and everything that binds a variable to each item of a list or map."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel import functions, static, syntax, values
from ouranos.engine.apiserver.schema.cel.compiler import Code, Compiler, Environment, Typed
from ouranos.engine.apiserver.schema.cel.static import BOOL, DYN, INT, STRING, Static
from ouranos.engine.apiserver.schema.cel.tokens import SyntaxFault
from ouranos.engine.apiserver.schema.cel.values import NONE, Fault, Optional

Macro = Callable[[Compiler, syntax.Call], Typed]


def expanded(compiler: Compiler, tree: syntax.Call) -> Typed | None:
    """Compile a call if it is a macro's; None if it is not."""
    if tree.name == "has" and tree.target is None and len(tree.arguments) == 1:
        return _has(compiler, tree)
    macro = _MACROS.get((tree.name, len(tree.arguments)))
    return None if macro is None or tree.target is None else macro(compiler, tree)


def _has(compiler: Compiler, tree: syntax.Call) -> Typed:
    (argument,) = tree.arguments
    if not isinstance(argument, syntax.Select):
        raise SyntaxFault("invalid argument to has() macro", argument.offset)
    from ouranos.engine.apiserver.schema.cel.compiler import field  # noqa: PLC0415 - mutual

    operand, known = compiler.compile(argument.operand)
    name, _ = field(known, argument)

    def code(environment: Environment) -> bool:
        container = operand(environment)
        if type(container) is Optional:
            if not container.present:
                return False
            container = container.value
        if type(container) is dict:
            return name in container
        raise values.no_overload()

    return code, BOOL


def _name(tree: syntax.Tree) -> str:
    if not isinstance(tree, syntax.Identifier):
        raise SyntaxFault("argument must be a simple name", tree.offset)
    return tree.name


def _range(compiler: Compiler, tree: syntax.Call) -> tuple[Code, Static, Static]:
    """Compile what a macro iterates over: the code, the type of its keys and of its items."""
    assert tree.target is not None  # noqa: S101 - macros have a target
    source, known = compiler.compile(tree.target)
    if known.kind not in {"list", "map", "object", "dyn"}:
        raise SyntaxFault(
            f"expression of type '{known.kind}' cannot be range of a comprehension (must be list, "
            "map, or dynamic)",
            tree.target.offset,
        )
    keys = INT if known.kind == "list" else DYN if known.kind == "dyn" else STRING
    return source, keys, known.item or DYN


def _items(source: Code, load: Callable[[Any], Any] | None) -> Code:
    """Return what evaluates to the items that a one-variable macro binds."""

    def items(environment: Environment) -> list[Any]:
        found = source(environment)
        if type(found) is list:
            listed = cast("list[Any]", found)
            return listed if load is None else [load(one) for one in listed]
        if type(found) is dict:
            return list(cast("dict[Any, Any]", found))
        raise values.no_overload()

    return items


def _pairs(source: Code, load: Callable[[Any], Any] | None) -> Code:
    """Return what evaluates to the (index, item) or (key, value) pairs of a two-variable macro."""

    def pairs(environment: Environment) -> list[tuple[Any, Any]]:
        found = source(environment)
        entries: list[tuple[Any, Any]]
        if type(found) is list:
            entries = list(enumerate(cast("list[Any]", found)))
        elif type(found) is dict:
            entries = list(cast("dict[Any, Any]", found).items())
        else:
            raise values.no_overload()
        return entries if load is None else [(key, load(one)) for key, one in entries]

    return pairs


class _Loop:
    """A compiled iteration: `run(environment)` yields the body's values, errors kept as values."""

    def __init__(self, compiler: Compiler, tree: syntax.Call, bodies: int) -> None:
        names = tuple(_name(one) for one in tree.arguments[: len(tree.arguments) - bodies])
        source, keys, item = _range(compiler, tree)
        load = static.loader(item)
        if len(names) == 1:
            over_keys = keys is STRING
            self.items = _items(source, None if over_keys else load)
            known: tuple[Static, ...] = (STRING if over_keys else item,)
        else:
            self.items = _pairs(source, load)
            known = (keys, item)
        self.item = known[0]
        self.bodies: list[Typed] = []
        self._slots: list[tuple[int, ...]] = []
        for body in tree.arguments[len(names) :]:
            slots, typed = compiler.bound(names, known, body)
            self._slots.append(slots)
            self.bodies.append(typed)
        self._pair = len(names) > 1

    def bind(self, environment: Environment, item: Any) -> None:
        """Bind the variables to an item."""
        for slots in self._slots:
            if self._pair:
                environment[slots[0]], environment[slots[1]] = item
            else:
                environment[slots[0]] = item


def _boolean(loop: _Loop, at: int, tree: syntax.Call) -> Code:
    code, known = loop.bodies[at]
    if known.kind not in {"bool", "dyn"}:
        raise SyntaxFault(
            f"found no matching overload for '_&&_' applied to '(bool, {known.kind})'", tree.offset
        )
    return code


def _quantifier(decisive: bool) -> Macro:  # noqa: FBT001
    """Make `all` (false decides) or `exists` (true decides); both forgive errors once decided."""

    def macro(compiler: Compiler, tree: syntax.Call) -> Typed:
        loop = _Loop(compiler, tree, 1)
        body = _boolean(loop, 0, tree)
        items, bind = loop.items, loop.bind

        def code(environment: Environment) -> bool:
            fault: Fault | None = None
            for item in items(environment):
                bind(environment, item)
                try:
                    value = body(environment)
                except Fault as error:
                    fault = error
                    continue
                if value is decisive:
                    return decisive
                if type(value) is not bool:
                    fault = values.no_overload()
            if fault is not None:
                raise fault
            return not decisive

        return code, BOOL

    return macro


def _exists_one(compiler: Compiler, tree: syntax.Call) -> Typed:
    loop = _Loop(compiler, tree, 1)
    body = _boolean(loop, 0, tree)

    def code(environment: Environment) -> bool:
        count = 0
        for item in loop.items(environment):
            loop.bind(environment, item)
            count += body(environment) is True
        return count == 1

    return code, BOOL


def _filter(compiler: Compiler, tree: syntax.Call) -> Typed:
    loop = _Loop(compiler, tree, 1)
    body = _boolean(loop, 0, tree)

    def code(environment: Environment) -> list[Any]:
        kept: list[Any] = []
        for item in loop.items(environment):
            loop.bind(environment, item)
            if body(environment) is True:
                kept.append(item)
        return kept

    return code, Static("list", None, loop.item)


def _map(compiler: Compiler, tree: syntax.Call) -> Typed:
    """Compile `map(x, value)`, `map(x, condition, value)` and `transformList`."""
    two = tree.name == "transformList"
    bodies = len(tree.arguments) - (2 if two else 1)
    loop = _Loop(compiler, tree, bodies)
    condition = _boolean(loop, 0, tree) if bodies > 1 else None
    value, known = loop.bodies[-1]

    def code(environment: Environment) -> list[Any]:
        made: list[Any] = []
        for item in loop.items(environment):
            loop.bind(environment, item)
            if condition is None or condition(environment) is True:
                made.append(value(environment))
        return made

    return code, Static("list", None, known)


def _transform_map(compiler: Compiler, tree: syntax.Call) -> Typed:
    """Compile `transformMap(k, v, value)`, with or without a condition, and `…Entry`."""
    bodies = len(tree.arguments) - 2
    loop = _Loop(compiler, tree, bodies)
    condition = _boolean(loop, 0, tree) if bodies > 1 else None
    value, known = loop.bodies[-1]
    whole = tree.name == "transformMapEntry"

    def code(environment: Environment) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for item in loop.items(environment):
            loop.bind(environment, item)
            if condition is not None and condition(environment) is not True:
                continue
            result = value(environment)
            if not whole:
                made[item[0]] = result
            elif any(key in made for key in result):
                raise Fault(f"insert failed: key {next(iter(result))} already exists")
            else:
                made.update(result)
        return made

    return code, Static("map", None, DYN if whole else known)


def _sort_by(compiler: Compiler, tree: syntax.Call) -> Typed:
    loop = _Loop(compiler, tree, 1)
    key = loop.bodies[0][0]

    def code(environment: Environment) -> list[Any]:
        keyed: list[tuple[Any, Any]] = []
        for item in loop.items(environment):
            loop.bind(environment, item)
            keyed.append((key(environment), item))
        order = functions.sort([one for one, _ in keyed])
        rest = list(keyed)
        made: list[Any] = []
        for wanted in order:
            at = next(at for at, (one, _) in enumerate(rest) if values.equal(one, wanted))
            made.append(rest.pop(at)[1])
        return made

    return code, Static("list", None, loop.item)


def _opt_map(compiler: Compiler, tree: syntax.Call) -> Typed:
    assert tree.target is not None  # noqa: S101 - macros have a target
    target, known = compiler.compile(tree.target)
    name = _name(tree.arguments[0])
    (slot,), (body, result) = compiler.bound((name,), (known.item or DYN,), tree.arguments[1])
    flat = tree.name == "optFlatMap"

    def code(environment: Environment) -> Optional:
        found = target(environment)
        if type(found) is not Optional:
            raise values.no_overload()
        if not found.present:
            return NONE
        environment[slot] = found.value
        value = body(environment)
        return value if flat else Optional(present=True, value=value)

    return code, result if flat else Static("optional_type", None, result)


def _or_value(compiler: Compiler, tree: syntax.Call) -> Typed:
    """Compile `or` and `orValue`, which evaluate their argument only when they need it."""
    assert tree.target is not None  # noqa: S101 - macros have a target
    target, known = compiler.compile(tree.target)
    other, result = compiler.compile(tree.arguments[0])
    whole = tree.name == "or"

    def code(environment: Environment) -> Any:
        found = target(environment)
        if type(found) is not Optional:
            raise values.no_overload()
        if found.present:
            return found if whole else found.value
        return other(environment)

    if whole:
        return code, known
    inner = known.item or DYN
    return code, inner if inner == result else DYN


_MACROS: Mapping[tuple[str, int], Macro] = {
    ("all", 2): _quantifier(decisive=False),
    ("all", 3): _quantifier(decisive=False),
    ("exists", 2): _quantifier(decisive=True),
    ("exists", 3): _quantifier(decisive=True),
    ("exists_one", 2): _exists_one,
    ("exists_one", 3): _exists_one,
    ("existsOne", 2): _exists_one,
    ("existsOne", 3): _exists_one,
    ("filter", 2): _filter,
    ("map", 2): _map,
    ("map", 3): _map,
    ("transformList", 3): _map,
    ("transformList", 4): _map,
    ("transformMap", 3): _transform_map,
    ("transformMap", 4): _transform_map,
    ("transformMapEntry", 3): _transform_map,
    ("transformMapEntry", 4): _transform_map,
    ("sortBy", 2): _sort_by,
    ("optMap", 2): _opt_map,
    ("optFlatMap", 2): _opt_map,
    ("or", 1): _or_value,
    ("orValue", 1): _or_value,
}
