"""How does an OpenStack agent do what needs privileges? By helpers, without sudo."""

from collections.abc import Mapping

from ouranos.compute import pods
from ouranos.openstack import configuration


def helper(image: str, program: str, file: str) -> Mapping[str, configuration.Value]:
    """Return the options of a helper's section.

    A helper keeps the capabilities that its section names, and ends if it has not got one of them.
    By default these are more than the agent's container has.

    Args:
        image: the agent's image.
        program: the agent.
        file: the agent's configuration file.
    """
    kept = pods.privilege_of(image, program).capabilities
    return {
        "helper_command": f"/opt/openstack/bin/privsep-helper --config-file {file}",
        "capabilities": [f"CAP_{name}" for name in kept],
    }
