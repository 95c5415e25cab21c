"""What does an API server have to know of a kind? Asked by whoever writes or installs CRDs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

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


def files(known: kinds.Kinds) -> dict[str, str]:
    """The text of each file of `deploy/crds/` by its name."""
    return {f"{crd['metadata']['name']}.yaml": _text(crd) for crd in generate(known)}


class _Dumper(yaml.SafeDumper):
    """Writes every value where it is used: the same list in two places is no anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        del data
        return True


def _text(crd: dict[str, Any]) -> str:
    head = "# Made by `make crds`; do not edit.\n"
    return head + yaml.dump(crd, Dumper=_Dumper, sort_keys=False, width=120)


def write(directory: Path, known: kinds.Kinds) -> list[str]:
    """Bring a folder of CRDs up to date and return the names of the files that changed or went."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = files(known)
    changed: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        if path.name not in wanted:
            path.unlink()
            changed.append(path.name)
    for name, text in wanted.items():
        path = directory / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
