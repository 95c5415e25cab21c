"""How does Neutron's agent on a hypervisor run? As it is, with its helpers forked."""

from __future__ import annotations

import sys

from ouranos_runtime import helpers

MODULES = ("neutron.agent.ovn.extensions.metadata",)
CONTEXTS = (
    "neutron.privileged:default",
    "neutron.privileged:link_cmd",
    "neutron.privileged:namespace_cmd",
)

if __name__ == "__main__":
    helpers.run("neutron-ovn-agent", sys.argv[1:], MODULES, CONTEXTS)
