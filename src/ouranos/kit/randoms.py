"""How is a secret made up?"""

import random
import string
from typing import Final

_ALPHABET: Final = string.ascii_letters + string.digits


def password(chance: random.Random, length: int = 32) -> str:
    """Return a password of letters and digits: 190 bits, and safe in URLs, SQL and INI files."""
    return "".join(chance.choices(_ALPHABET, k=length))
