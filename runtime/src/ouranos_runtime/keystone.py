"""How does Keystone's database come to be? Schema, admin, roles and default domain in one process.

Run twice it changes nothing; a changed password in the environment becomes the admin's password.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from ouranos_runtime import process, schema

CONFIGURATION = "/etc/keystone/keystone.conf"


def initialise() -> None:
    """Make the schema and what nobody can make by the API, because it needs an admin."""
    with schema.guarded(schema.url()):
        _initialise()


def _initialise() -> None:
    cli: Any = importlib.import_module("keystone.cmd.cli")
    cli.main(argv=["keystone-manage", "--config-file", CONFIGURATION, "db_sync"])
    bootstrap: Any = importlib.import_module("keystone.cmd.bootstrap").Bootstrapper()
    bootstrap.admin_username = os.environ["OURANOS_ADMIN_USERNAME"]
    bootstrap.admin_password = os.environ["OURANOS_ADMIN_PASSWORD"]
    bootstrap.project_name = "admin"
    bootstrap.admin_role_name = "admin"
    bootstrap.immutable_roles = True
    # Region and catalogue are made by the API, with their ownership marks.
    bootstrap.bootstrap()


if __name__ == "__main__":
    process.run("Keystone's database", initialise)
