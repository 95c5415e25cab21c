"""How does Neutron's database come to be? In one process; run twice it changes nothing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/neutron/neutron.conf"


def initialise() -> None:
    """Bring the schema to this release's heads."""
    with schema.guarded(schema.url()):
        _initialise()


def _initialise() -> None:
    sys.argv = ["neutron-db-manage", "--config-file", CONFIGURATION, "upgrade", "heads"]
    cli: Any = importlib.import_module("neutron.db.migration.cli")
    cli.main()


if __name__ == "__main__":
    process.run("Neutron's database", initialise)
