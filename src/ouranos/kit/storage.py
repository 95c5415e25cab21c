"""Which StorageClass do claims get that name none? Pure; asked by who wants one or makes one."""

from collections.abc import Iterable
from typing import Final

from ouranos.kit import objects
from ouranos.kit.objects import Object

DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"
"""The annotation by which a StorageClass is the default; its value is `true`."""


def has_default(classes: Iterable[Object]) -> bool:
    """Whether one of the StorageClasses is the default."""
    return any(objects.annotations_of(one).get(DEFAULT) == "true" for one in classes)
