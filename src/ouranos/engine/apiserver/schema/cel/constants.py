"""Which constants can be refused before anything runs? Asked by the compiler."""

from collections.abc import Callable, Mapping

from ouranos.engine.apiserver.schema.cel import functions, syntax
from ouranos.engine.apiserver.schema.cel.tokens import SyntaxFault
from ouranos.engine.apiserver.schema.cel.values import Fault


def check(name: str, arguments: tuple[syntax.Tree, ...]) -> None:
    """Refuse a constant that is no regular expression, duration or time before anything runs."""
    read = _READERS.get(name)
    constant = arguments[-1] if arguments else None
    if read is not None and isinstance(constant, syntax.Literal) and type(constant.value) is str:
        try:
            read(constant.value)
        except Fault:
            raise SyntaxFault(f"invalid {name} argument", constant.offset) from None


_READERS: Mapping[str, Callable[[str], object]] = {
    "matches": functions.expression,
    "duration": functions.duration,
    "timestamp": functions.timestamp,
}
