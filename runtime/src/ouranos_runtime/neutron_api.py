"""How does Neutron's API hear what happens in OVN? As a member of a ring, which it never leaves.

A member's name is made from host and process number (`get_node_uuid` in Neutron's
`db/ovn_hash_ring_db.py`), and both are the same in every pod. So the next pod takes the place of
the one before, and whoever left when it ended would take its successor out: nobody would hear any
more that a guest's port is up. A place whose holder has ended without one is passed over after two
minutes.
"""

from __future__ import annotations

import importlib
from typing import Any

_DRIVER = "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver"


def stay(_driver: Any, *_: Any) -> None:
    """Keep the place: what Neutron calls at SIGTERM and when its process ends."""


def _application() -> Any:
    driver: Any = importlib.import_module(_DRIVER).OVNMechanismDriver
    leaving = "_remove_node_from_hash_ring"
    if not hasattr(driver, leaving):
        # Then Neutron leaves in another way, and this has to be written anew.
        raise AttributeError(f"{_DRIVER}.OVNMechanismDriver has no {leaving}")
    setattr(driver, leaving, stay)
    return importlib.import_module("neutron.wsgi.api").application


application = _application()
