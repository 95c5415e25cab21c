"""From the text of an expression to its tree; asked by the compiler.

Follows the grammar of the CEL specification with optional syntax (`a.?b`, `a[?i]`, `[?e]`).
"""

from dataclasses import dataclass, field
from typing import NoReturn

from ouranos.engine.apiserver.schema.cel import tokens
from ouranos.engine.apiserver.schema.cel.tokens import SyntaxFault, Token


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    offset: int
    value: object


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or `operand.?field`."""

    offset: int
    operand: "Tree"
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """`operand[index]`, or `operand[?index]`."""

    offset: int
    operand: "Tree"
    index: "Tree"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`, `target.function(arguments)`, or an operator such as `_+_`."""

    offset: int
    name: str
    target: "Tree | None"
    arguments: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, ?b]`; `optional` are the indices written with a question mark."""

    offset: int
    items: tuple["Tree", ...]
    optional: frozenset[int] = field(default_factory=frozenset[int])


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{k: v, ?k: v}`; `optional` are the indices written with a question mark."""

    offset: int
    entries: tuple[tuple["Tree", "Tree"], ...]
    optional: frozenset[int] = field(default_factory=frozenset[int])


Tree = Literal | Identifier | Select | Index | Call | ListOf | MapOf


class Uint(int):
    """An unsigned integer, which CEL tells from a signed one."""

    __slots__ = ()


_RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
        "loop", "package", "namespace", "return", "var", "void", "while",
    }
)  # fmt: skip
_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_MAXIMUM_DEPTH = 50
_INT_LIMIT = 2**63
_UINT_LIMIT = 2**64


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens.tokens(text)
        self._at = 0
        self._depth = 0

    def parse(self) -> Tree:
        tree = self._expression()
        if self._next.kind != "end":
            self._unexpected("<EOF>")
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        return self._next.kind in {"op", "name"} and self._next.text == text

    def _skip(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> Token:
        if not self._is(text):
            self._unexpected(f"'{text}'")
        return self._take()

    def _unexpected(self, wanted: str) -> NoReturn:
        token = self._next
        shown = "<EOF>" if token.kind == "end" else token.text
        raise SyntaxFault(
            f"Syntax error: mismatched input '{shown}' expecting {wanted}", token.offset
        )

    def _expression(self) -> Tree:
        self._depth += 1
        if self._depth > _MAXIMUM_DEPTH:
            raise SyntaxFault("expression recursion limit exceeded", self._next.offset)
        condition = self._either()
        if self._is("?"):
            offset = self._take().offset
            yes = self._either()
            self._expect(":")
            no = self._expression()
            condition = Call(offset, "_?_:_", None, (condition, yes, no))
        self._depth -= 1
        return condition

    def _either(self) -> Tree:
        left = self._both()
        while self._is("||"):
            offset = self._take().offset
            left = Call(offset, "_||_", None, (left, self._both()))
        return left

    def _both(self) -> Tree:
        left = self._relation()
        while self._is("&&"):
            offset = self._take().offset
            left = Call(offset, "_&&_", None, (left, self._relation()))
        return left

    def _relation(self) -> Tree:
        left = self._sum()
        while self._next.kind in {"op", "name"} and self._next.text in _RELATIONS:
            token = self._take()
            name = "@in" if token.text == "in" else f"_{token.text}_"
            left = Call(token.offset, name, None, (left, self._sum()))
        return left

    def _sum(self) -> Tree:
        left = self._product()
        while self._is("+") or self._is("-"):
            token = self._take()
            left = Call(token.offset, f"_{token.text}_", None, (left, self._product()))
        return left

    def _product(self) -> Tree:
        left = self._unary()
        while self._is("*") or self._is("/") or self._is("%"):
            token = self._take()
            left = Call(token.offset, f"_{token.text}_", None, (left, self._unary()))
        return left

    def _unary(self) -> Tree:
        if self._is("!"):
            offset = self._take().offset
            return Call(offset, "!_", None, (self._unary(),))
        if self._is("-"):
            offset = self._take().offset
            if self._next.kind in {"int", "float"}:
                return self._suffixes(self._number(self._take(), negative=True))
            return Call(offset, "-_", None, (self._unary(),))
        return self._suffixes(self._primary())

    def _suffixes(self, tree: Tree) -> Tree:
        while True:
            if self._is(".") or self._is(".?"):
                tree = self._member(tree, self._take())
            elif self._is("[") or self._is("[?"):
                token = self._take()
                index = self._expression()
                self._expect("]")
                tree = Index(token.offset, tree, index, token.text == "[?")
            else:
                return tree

    def _member(self, tree: Tree, dot: Token) -> Tree:
        optional = dot.text == ".?"
        token = self._take()
        if token.kind != "name":
            self._at -= 1
            self._unexpected("IDENTIFIER")
        name = token.text.strip("`")
        if not optional and self._is("("):
            return Call(self._take().offset, name, tree, self._arguments(")"))
        return Select(dot.offset, tree, name, optional)

    def _arguments(self, end: str) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._skip(end):
            found.append(self._expression())
            if not self._is(end):
                self._expect(",")
        return tuple(found)

    def _primary(self) -> Tree:
        token = self._take()
        if token.kind == "string":
            return Literal(token.offset, tokens.unquoted(token))
        if token.kind in {"int", "float"}:
            return self._number(token)
        if token.kind == "name":
            return self._name(token)
        if token.kind == "op" and token.text in {"(", "[", "[?", "{", "."}:
            return self._enclosed(token)
        self._at -= 1
        return self._unexpected("an expression")

    def _enclosed(self, token: Token) -> Tree:
        if token.text == "(":
            tree = self._expression()
            self._expect(")")
            return tree
        if token.text == "{":
            return self._map(token)
        return self._name(self._take()) if token.text == "." else self._list(token)

    def _name(self, token: Token) -> Tree:
        if token.text in {"true", "false"}:
            return Literal(token.offset, token.text == "true")
        if token.text == "null":
            return Literal(token.offset, None)
        if token.text in _RESERVED:
            raise SyntaxFault(f"reserved identifier: {token.text}", token.offset)
        if self._is("("):
            self._take()
            return Call(token.offset, token.text, None, self._arguments(")"))
        return Identifier(token.offset, token.text)

    def _number(self, token: Token, *, negative: bool = False) -> Tree:
        sign = -1 if negative else 1
        if token.kind == "float":
            return Literal(token.offset, sign * float(token.text))
        text = token.text.lower()
        unsigned = text.endswith("u")
        value = sign * int(text.removesuffix("u"), 0 if text.startswith("0x") else 10)
        fits = 0 <= value < _UINT_LIMIT if unsigned else -_INT_LIMIT <= value < _INT_LIMIT
        if not fits:
            raise SyntaxFault("invalid int literal", token.offset)
        return Literal(token.offset, Uint(value) if unsigned else value)

    def _list(self, start: Token) -> Tree:
        found: list[Tree] = []
        optional: set[int] = set()
        marked = start.text == "[?"
        while marked or not self._skip("]"):
            if marked or self._skip("?"):
                optional.add(len(found))
            marked = False
            found.append(self._expression())
            if not self._is("]"):
                self._expect(",")
        return ListOf(start.offset, tuple(found), frozenset(optional))

    def _map(self, start: Token) -> Tree:
        found: list[tuple[Tree, Tree]] = []
        optional: set[int] = set()
        while not self._skip("}"):
            if self._skip("?"):
                optional.add(len(found))
            key = self._expression()
            self._expect(":")
            found.append((key, self._expression()))
            if not self._is("}"):
                self._expect(",")
        return MapOf(start.offset, tuple(found), frozenset(optional))


def parse(text: str) -> Tree:
    """Parse an expression.

    Raises:
        SyntaxFault: the text is not an expression.
    """
    return _Parser(text).parse()
