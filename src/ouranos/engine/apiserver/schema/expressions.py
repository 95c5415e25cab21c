r"""How is a regular expression of RE2 written for Python? Asked by patterns and by CEL.

Both read most of it alike. `\z` is Python's `\Z`, and `$` is only the very end of the text, where
Python's would also match before a line break that ends it.
"""

import re
from functools import lru_cache
from typing import Final

_PARTS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\$", re.DOTALL)
_OF_LINES: Final = re.compile(r"\(\?[a-zA-Z]*m")


@lru_cache(maxsize=1024)
def compiled(text: str) -> re.Pattern[str]:
    """Compile an expression that is written for RE2.

    Raises:
        re.error: it is none.
    """
    return re.compile(text if _OF_LINES.search(text) else _PARTS.sub(_python, text))


def _python(found: re.Match[str]) -> str:
    part = found.group()
    return r"\Z" if part in {"$", r"\z"} else part
