"""How do Nova's databases come to be? API database, cells and both cells' schemas in one process.

Run twice it changes nothing. The cells' URLs are templates that each Nova process fills from its
own `[database] connection` and `transport_url`, so that no credential is in the API database and a
rotation has nothing to update there.
"""

from __future__ import annotations

import importlib
import os
import uuid
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/nova/nova.conf"
CELL0 = str(uuid.UUID(int=0))
CELL1 = str(uuid.uuid5(uuid.NAMESPACE_DNS, "cell1.nova.ouranos.cloud"))
"""A fixed identity, so that a run after a crash finds the first one's cell."""

SERVER = "{scheme}://{username}:{password}@{hostname}:{port}"
CELLS = {
    CELL0: ("cell0", f"{SERVER}/nova_cell0?{{query}}", "none:///"),
    CELL1: ("cell1", f"{SERVER}/{{path}}?{{query}}", f"{SERVER}/{{path}}"),
}


def initialise() -> None:
    """Bring all schemas to this release's head and write down the two cells."""
    urls = (schema.url("api_database"), schema.url(), schema.url(database="nova_cell0"))
    with schema.guarded(*urls):
        _initialise()


def _initialise() -> None:
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"
    importlib.import_module("nova.monkey_patch").patch(backend="threading")
    importlib.import_module("nova.config").parse_args(["nova", "--config-file", CONFIGURATION])
    migration: Any = importlib.import_module("nova.db.migration")
    context: Any = importlib.import_module("nova.context")
    migration.db_sync(None, database="api")
    cell0, _ = (_cell(identity, context) for identity in CELLS)
    with context.target_cell(context.get_admin_context(), cell0) as target:
        migration.db_sync(None, context=target)
    migration.db_sync(None)


def _cell(identity: str, context: Any) -> Any:
    cells: Any = importlib.import_module("nova.objects.cell_mapping")
    exception: Any = importlib.import_module("nova.exception")
    admin = context.get_admin_context()
    name, database, queue = CELLS[identity]
    try:
        cell = cells.CellMapping.get_by_uuid(admin, identity)
    except exception.CellMappingNotFound:
        cell = cells.CellMapping(admin, uuid=identity)
        save = cell.create
    else:
        save = cell.save
    cell.name, cell.database_connection, cell.transport_url = name, database, queue
    save()
    return cells.CellMapping.get_by_uuid(admin, identity)


if __name__ == "__main__":
    process.run("Nova's databases", initialise)
