"""Is the default StorageClass known as Kubernetes knows it?"""

import pytest

from ouranos.kit import storage


@pytest.mark.parametrize(
    "marks",
    [[], [None], [{storage.DEFAULT: "false"}], [{storage.DEFAULT: "True"}, {"other": "true"}]],
    ids=["no class", "no mark", "marked false", "other words"],
)
def test_a_class_is_the_default_only_when_it_is_marked_true(
    marks: list[dict[str, str] | None],
) -> None:
    classes = [{"metadata": {"name": "x", "annotations": each}} for each in marks]
    assert not storage.has_default(classes)
    default = {"metadata": {"name": "y", "annotations": {storage.DEFAULT: "true"}}}
    assert storage.has_default([*classes, default])
