"""What is a write aimed at, and how is it meant? Asked by every verb that writes."""

from dataclasses import dataclass, field

from ouranos.engine.apiserver.resources import Resource
from ouranos.kit.objects import Key


@dataclass(slots=True)
class Target:
    """What a write is aimed at, and how it is meant.

    Attributes:
        manager: who is noted in metadata.managedFields.
        validation: what happens to unknown fields: Strict, Warn or Ignore.
        warnings: collects what the caller should be told.
        tracked: whether managedFields are noted here; an apply has noted them already.
        applied: whether what is written is what an apply has come to.
        patched: whether a patch made the object, so that its identity is a field like others.
        remade: whether a patch that is no apply made the object, so that it is read anew.
        unfit: whether a part that is dropped does not fit, so that no writer stays noted.
        hiding: whether the object has empty metadata that is kept but that nobody will see.
    """

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = "ouranos"
    dry_run: bool = False
    validation: str = "Ignore"
    warnings: list[str] = field(default_factory=list[str])
    tracked: bool = True
    applied: bool = False
    patched: bool = False
    remade: bool = False
    hiding: bool = False
    unfit: bool = False

    @property
    def key(self) -> Key:
        """Give where the object is."""
        return Key(self.namespace, self.name)
