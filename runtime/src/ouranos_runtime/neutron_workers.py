"""What does Neutron do in the background? OVN's maintenance and periodic tasks, in one process.

Neutron has a program for each of the two; each of them imports all of Neutron, and has a parent and
a child for each kind of worker.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ouranos_runtime import start, temporary


def work() -> None:
    """Start both kinds of workers and run until told to stop."""
    attributes: Any = importlib.import_module("neutron_lib.api.attributes")
    extensions: Any = importlib.import_module("neutron.api.extensions")
    service: Any = importlib.import_module("neutron.service")
    importlib.import_module("neutron.manager").init()
    manager = extensions.PluginAwareExtensionManager.get_instance()
    manager.extend_resources("2.0", attributes.RESOURCES)
    launch_workers(service)


def launch_workers(service: Any) -> None:
    """Run the workers of `neutron-ovn-maintenance-worker` and `neutron-periodic-workers`."""
    maintenance = service._get_ovn_maintenance_worker()  # noqa: SLF001 - no public way to both
    periodic = service._get_plugins_workers()  # noqa: SLF001
    conf: Any = importlib.import_module("oslo_config.cfg").CONF
    oslo: Any = importlib.import_module("oslo_service.service")
    # It starts the driver's own threads and returns; should it fail, so shall the process.
    maintenance.set_proctitle = "off"
    maintenance.start()
    (together,) = service._prepare_periodic_workers(periodic)  # noqa: SLF001
    oslo.launch(conf, together)


def main() -> None:
    """Run as `neutron-workers`."""
    start.lighten()
    sys.argv = ["neutron-workers"]
    temporary.start_afresh()
    start.one_process()
    server: Any = importlib.import_module("neutron.server")
    start.to_the_end(lambda: server.boot_server(work))


if __name__ == "__main__":
    main()
