"""Which objects of a kind does a process hold? Asked by reflectors, said by the composition."""

from dataclasses import dataclass

from ouranos.kit.objects import Kind


@dataclass(frozen=True, slots=True)
class Selection:
    """Selectors as the API takes them; what they leave out is not known to the process at all."""

    kind: Kind
    labels: str = ""
    fields: str = ""
