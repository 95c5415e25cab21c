"""How does Placement's database come to be? In one process; run twice it changes nothing."""

from __future__ import annotations

import importlib
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/placement/placement.conf"


def initialise() -> None:
    """Bring the schema to this release's head."""
    with schema.guarded(schema.url("placement_database")):
        _initialise()


def _initialise() -> None:
    configuration: Any = importlib.import_module("oslo_config.cfg").ConfigOpts()
    importlib.import_module("placement.conf").register_opts(configuration)
    configuration([], project="placement", default_config_files=[CONFIGURATION])
    importlib.import_module("placement.db_api").configure(configuration)
    importlib.import_module("placement.db.sqlalchemy.migration").upgrade("head")


if __name__ == "__main__":
    process.run("Placement's database", initialise)
