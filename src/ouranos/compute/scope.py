"""What does one pass over a hypervisor have in its hands? Read once, given to every step."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ouranos.compute import pods
from ouranos.kit import address, controller, errors, kinds, objects, scheduling
from ouranos.kit.objects import Kind, Object
from ouranos.openstack import configuration, environment

NOVA: Final = "nova"
NEUTRON: Final = "neutron"
CINDER: Final = "cinder"
_AUTO: Final = "auto"


class NotYet(errors.Transient):
    """Something of the cloud is missing, and its coming wakes us."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One Hypervisor, and what its cloud says of it."""

    pass_: controller.Pass

    @property
    def namespace(self) -> str:
        """Where the cloud is."""
        return self.pass_.key.namespace

    @property
    def node_name(self) -> str:
        """The name of the machine's Node object."""
        return self.pass_.object["spec"]["nodeName"]

    @property
    def mark(self) -> str:
        """The reason by which Nova's records tell that scheduling was disabled by us."""
        return f"ouranos:{self.namespace}/{self.node_name}"

    def held(self, kind: Kind, name: str) -> Object | None:
        """Return an object of the cloud, as the cache has it."""
        return self.pass_.cache.get(kind, name, self.namespace)

    def needed(self, kind: Kind, name: str) -> Object:
        """Return an object of the cloud.

        Raises:
            NotYet: there is none.
        """
        found = self.held(kind, name)
        if found is None:
            raise NotYet(f"{kind.kind} {name} does not exist")
        return found

    @property
    def nova(self) -> Object:
        """The Nova that the hypervisor belongs to."""
        return self.needed(kinds.NOVA, NOVA)

    @property
    def release(self) -> str:
        """The release whose images are run."""
        return self.nova["spec"]["release"]

    @property
    def region(self) -> str:
        """The name of the region."""
        return self.nova["spec"].get("region", "RegionOne")

    @property
    def network(self) -> Object:
        """What is said of the cloud's networks."""
        neutron = self.needed(kinds.NEUTRON, NEUTRON)
        return objects.mapping(neutron, "spec", "network")

    @property
    def mtu(self) -> int:
        """The largest packet of the management network, in bytes."""
        return self.network.get("mtu", 1500)

    @property
    def public_address(self) -> str:
        """The gateway's address on the public network, with its prefix length."""
        public = ipaddress.ip_network(self.network.get("public", "172.24.4.0/24"))
        return f"{public[1]}/{public.prefixlen}"

    @property
    def virtualization(self) -> str:
        """What is asked for: kvm, qemu, or auto."""
        return self._compute("virtualization", _AUTO)

    @property
    def datapath(self) -> str:
        """What is asked for: system, netdev, or auto."""
        return self._compute("datapath", _AUTO)

    @property
    def tunnel_interface(self) -> str:
        """The machines' network card for tunnels; empty for the one that has the node's address."""
        return self._compute("tunnelInterface", "")

    def _compute(self, name: str, default: str) -> str:
        # All machines run one pod template, so that the cloud's word counts, not the machine's.
        return objects.mapping(self.nova, "spec", "compute").get(name) or default

    @property
    def gateways(self) -> tuple[str, ...]:
        """Names of the nodes that are gateways; without the label anywhere, all hypervisors are."""
        nodes = self.pass_.cache.list(kinds.NODE)
        labelled = [node for node in nodes if scheduling.is_gateway(node, self.namespace)]
        chosen = labelled or [
            node for node in nodes if scheduling.is_hypervisor(node, self.namespace)
        ]
        return tuple(node["metadata"]["name"] for node in chosen)

    def southbound(self) -> str:
        """Return where OVN's southbound database answers, as programs without DNS take it.

        Raises:
            NotYet: OVN has not said it yet.
        """
        neutron = self.needed(kinds.NEUTRON, NEUTRON)
        reference = objects.mapping(neutron, "spec", "backing", "ovnRef").get("name", "ovn")
        told = objects.mapping(self.needed(kinds.OVN, reference), "status").get("southbound")
        if not told:
            raise NotYet(f"OVN {reference} does not say where it answers")
        method, host, port = str(told).split(":", 2)
        if self.held(kinds.SERVICE, host) is None:
            return str(told)
        place = address.of_service(self.pass_.cache, self.namespace, host, int(port))
        if place is None:
            raise NotYet(f"Service {host} has no address")
        return f"{method}:{place[0]}:{place[1]}"

    def queue(self) -> environment.Address:
        """Return where Nova's messages go.

        Raises:
            NotYet: the claim is not fulfilled yet.
        """
        status = objects.mapping(self.needed(kinds.VHOST, NOVA), "status")
        if "host" not in status or "port" not in status:
            raise NotYet(f"Vhost {NOVA} is not ready")
        return environment.Address(status["host"], status["port"])

    def secret(self, service: str, credential: str) -> str:
        """Return the name of a Secret that the services have made.

        Raises:
            NotYet: they have not made it yet.
        """
        name = environment.secret_name(service, credential)
        self.needed(kinds.SECRET, name)
        return name

    def digest(self, *secrets: str) -> str:
        """Return a text that changes with the content of Secrets, and tells nothing of it."""
        data = [objects.mapping(self.needed(kinds.SECRET, name), "data") for name in secrets]
        return objects.digest(data).hex()[:16]

    def volumes(self) -> tuple[pods.Volume, ...]:
        """Return the folder that Cinder's volumes are files in, if the cloud has Cinder.

        The machine mounts it, where Nova looks before it mounts by itself (ADR 0012).
        """
        cinder = self.held(kinds.CINDER, CINDER)
        if cinder is None:
            return ()
        nfs: dict[str, Any] = objects.mapping(cinder, "spec", "backend", "nfs")
        share = f"{nfs['server']}:{nfs['path']}" if nfs else configuration.VOLUME_SHARE
        path = f"/var/lib/nova/mnt/{configuration.share_folder(share)}"
        if nfs:
            source = {"nfs": {"server": nfs["server"], "path": nfs["path"]}}
            return (pods.Volume("volumes", path, source),)
        if self.held(kinds.PERSISTENT_VOLUME_CLAIM, configuration.VOLUME_CLAIM) is None:
            return ()
        claim = {"persistentVolumeClaim": {"claimName": configuration.VOLUME_CLAIM}}
        return (pods.Volume("volumes", path, claim),)

    def state(self, name: str, path: str) -> pods.Volume:
        """Return a folder of the machine that stays, of this cloud's own."""
        return pods.folder(name, path, f"/var/lib/ouranos/hypervisor/{self.namespace}/{name}")

    def run(self, name: str, path: str) -> pods.Volume:
        """Return a folder of the machine for sockets, of this cloud's own."""
        return pods.folder(f"{name}-run", path, f"/run/ouranos/{self.namespace}/{name}")


Page = Callable[[Scope], pods.Agent]
"""How an agent follows from what a cloud says. Raises `NotYet` while something is missing."""
