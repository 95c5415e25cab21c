"""How does nova-compute run? As it is, with its helpers forked."""

from __future__ import annotations

import sys

from ouranos_runtime import helpers

MODULES = ("nova.compute.manager", "nova.virt.libvirt.driver", "vif_plug_ovs.ovs")
CONTEXTS = (
    "nova.privsep:sys_admin_pctxt",
    "os_brick.privileged:default",
    "vif_plug_ovs.privsep:vif_plug",
)

if __name__ == "__main__":
    helpers.run("nova-compute", sys.argv[1:], MODULES, CONTEXTS)
