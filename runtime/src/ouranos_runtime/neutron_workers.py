"""What does Neutron do in the background? OVN's maintenance and periodic tasks, in one process.

Neutron has a program for each of the two; each of them imports all of Neutron.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ouranos_runtime import temporary


def work() -> None:
    """Start both kinds of workers and wait for them."""
    attributes: Any = importlib.import_module("neutron_lib.api.attributes")
    extensions: Any = importlib.import_module("neutron.api.extensions")
    service: Any = importlib.import_module("neutron.service")
    importlib.import_module("neutron.manager").init()
    manager = extensions.PluginAwareExtensionManager.get_instance()
    manager.extend_resources("2.0", attributes.RESOURCES)
    launch_workers(service)


def launch_workers(service: Any) -> None:
    """Launch the workers of `neutron-ovn-maintenance-worker` and `neutron-periodic-workers`."""
    maintenance = service._get_ovn_maintenance_worker()  # noqa: SLF001 - no public way to both
    periodic = service._prepare_periodic_workers(service._get_plugins_workers())  # noqa: SLF001
    launcher = service._start_workers([maintenance, *periodic])  # noqa: SLF001
    registry: Any = importlib.import_module("neutron_lib.callbacks.registry")
    events: Any = importlib.import_module("neutron_lib.callbacks.events")
    resources: Any = importlib.import_module("neutron_lib.callbacks.resources")
    registry.publish(resources.PROCESS, events.AFTER_SPAWN, None)
    launcher.wait()


def main() -> None:
    """Run as `neutron-workers`."""
    sys.argv = ["neutron-workers"]
    temporary.start_afresh()
    backend: Any = importlib.import_module("oslo_service.backend")
    backend.init_backend(backend.BackendType.THREADING)
    importlib.import_module("neutron.server").boot_server(work)


if __name__ == "__main__":
    main()
