"""How does Cinder's database come to be? In one process; run twice it changes nothing."""

from __future__ import annotations

import importlib
import os
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/cinder/cinder.conf"


def initialise() -> None:
    """Bring the schema to this release's head."""
    with schema.guarded(schema.url()):
        _initialise()


def _initialise() -> None:
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    # Migrations import this module; it registers options that the command line may set.
    importlib.import_module("cinder.common.config")
    configuration: Any = importlib.import_module("oslo_config.cfg").CONF
    migration: Any = importlib.import_module("cinder.db.migration")
    configuration([], project="cinder", default_config_files=[CONFIGURATION])
    migration.db_sync()


if __name__ == "__main__":
    process.run("Cinder's database", initialise)
