"""From the text of an expression to its tokens, and from a quoted token to its text."""

import re
from dataclasses import dataclass


class SyntaxFault(Exception):
    """An expression that does not compile; `offset` is where, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


_TOKEN = re.compile(
    r"""
    (?P<space>(\s|//[^\n]*)+)
  | (?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<int>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*|`[A-Za-z0-9_.\-/ ]+`)
  | (?P<op>\.\?|\[\?|&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(
    r"""(?P<space>(\s|//[^\n]*)+)
  | (?P<string>[bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*'))""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `kind` is string, float, int, name, op or end."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> list[Token]:
    """Split an expression into tokens; the last one is the end.

    Raises:
        SyntaxFault: a character means nothing.
    """
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _RAW.match(text, position)
        if match is None or match.lastgroup == "space":
            match = _TOKEN.match(text, position)
        if match is None:
            raise SyntaxFault(
                f"Syntax error: token recognition error at: {text[position]!r}", position
            )
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match.group(), position))
        position = match.end()
    found.append(Token("end", "", len(text)))
    return found


_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<hex>[xX][0-9a-fA-F]{2})|(?P<short>u[0-9a-fA-F]{4})|(?P<long>U[0-9a-fA-F]{8})"
    r"|(?P<octal>[0-3][0-7]{2})|(?P<simple>.))",
    re.DOTALL,
)


def unquoted(token: Token) -> str | bytes:
    """Read a quoted text, or bytes.

    Raises:
        SyntaxFault: an escape sequence means nothing.
    """
    text = token.text
    prefix = re.match(r"[rRbB]*", text)
    flags = prefix.group().lower() if prefix else ""
    body = text[len(flags) :]
    width = 3 if body[:3] in {'"""', "'''"} else 1
    body = body[width:-width]
    as_bytes = "b" in flags

    def unescape(match: re.Match[str]) -> str:
        if match["simple"] is not None:
            if match["simple"] not in _SIMPLE:
                raise SyntaxFault("Syntax error: invalid escape sequence", token.offset)
            return _SIMPLE[match["simple"]]
        if match["octal"] is not None:
            return chr(int(match["octal"], 8))
        digits = match["hex"] or match["short"] or match["long"]
        return chr(int(digits[1:], 16))

    if "r" not in flags:
        body = _ESCAPE.sub(unescape, body)
    if not as_bytes:
        return body
    return b"".join(
        bytes([ord(one)]) if "\\" in text and ord(one) < 256 else one.encode()  # noqa: PLR2004
        for one in body
    )
