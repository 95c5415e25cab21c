"""How does Glance's database come to be? In one process; run twice it changes nothing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/glance/glance-api.conf"


def initialise() -> None:
    """Bring the schema to this release's head."""
    with schema.guarded(schema.url()):
        _initialise()


def _initialise() -> None:
    sys.argv = ["glance-manage", "--config-file", CONFIGURATION, "db_sync"]
    manage: Any = importlib.import_module("glance.cmd.manage")
    manage.main()


if __name__ == "__main__":
    process.run("Glance's database", initialise)
