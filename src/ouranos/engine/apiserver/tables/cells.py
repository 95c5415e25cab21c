"""Which columns has each built-in kind? Those of Kubernetes; asked by the table of kinds."""

from ouranos.engine.apiserver.resources import Column

COLUMNS: dict[str, tuple[Column, ...]] = {}
