"""Does an expression of RE2 mean in Python what it means to Kubernetes?"""

import pytest

from ouranos.engine.apiserver.schema import expressions


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        (r"^a$", "a", True),
        (r"^a$", "a\n", False),
        (r"^a\z", "a\n", False),
        (r"^[^b]*$", "a\n", True),
        (r"a\$$", "a$", True),
        (r"^[$]$", "$", True),
        (r"^[\]$]+$", "]$", True),
        (r"^[]$]$", "$", True),
        (r"^[^]$]$", "$", False),
        (r"(?m)a$", "a\nb", True),
        (r"(?i)^A$", "a", True),
        (r"^(a$|b$)", "b\n", False),
    ],
)
def test_the_end_is_the_end(expression: str, text: str, found: bool) -> None:  # noqa: FBT001
    assert (expressions.compiled(expression).search(text) is not None) is found
