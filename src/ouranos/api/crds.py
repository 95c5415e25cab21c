"""What does an API server have to know of a kind? Asked by whoever writes or installs CRDs."""

from __future__ import annotations

from typing import Any

from ouranos.api import kinds, names, schema


def definition(kind: kinds.Definition) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind, as JSON.

    Raises:
        schema.NotStructural: the model uses what no structural schema can say.
    """
    name = kind.name
    subresources: dict[str, Any] = {"status": {}}
    if kind.scalable:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{name.plural}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": name.kind,
                "listKind": f"{name.kind}List",
                "plural": name.plural,
                "singular": name.singular,
                "categories": [names.CATEGORY],
                **({"shortNames": list(name.short)} if name.short else {}),
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "subresources": subresources,
                    "schema": {"openAPIV3Schema": schema.rendered(kind.schema)},
                }
            ],
        },
    }


def _column(column: kinds.Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
        **({"priority": column.priority} if column.priority else {}),
    }


def generate(known: kinds.Kinds) -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of all kinds; where the Cloud's is, the last, all are."""
    return [definition(kind) for kind in reversed(tuple(known.values()))]
