"""Which labels does a selector of a workload, a budget or an affinity term choose?"""

from collections.abc import Callable, Mapping
from typing import Any

from ouranos.kit import objects
from ouranos.kit.objects import Object


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (`matchLabels`, `matchExpressions`) chooses the labels.

    None chooses nothing; an empty selector chooses everything.
    """
    if selector is None:
        return False
    if not objects.matches(labels, objects.mapping(selector, "matchLabels")):
        return False
    return all(fulfils(one, labels) for one in objects.entries(selector, "matchExpressions"))


def fulfils(requirement: Object, labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil one expression; the operators are those of selectors and affinity."""
    value = labels.get(requirement["key"])
    values: list[Any] = requirement.get("values") or []
    verdicts: dict[str, Callable[[], bool]] = {
        "In": lambda: value in values,
        "NotIn": lambda: value not in values,
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
        "Gt": lambda: value is not None and int(value) > int(values[0]),
        "Lt": lambda: value is not None and int(value) < int(values[0]),
    }
    return verdicts[requirement["operator"]]()
