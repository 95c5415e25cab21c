"""What can be said of any OpenStack service, and of machines? Asked by the kinds and the pages."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from ouranos.api import model, options, rules, values


class Settings(model.Model):
    """What people may say of any service."""

    replicas: values.Replicas = 1
    """How many copies of each part that may have copies are run."""
    config: options.Config = Field(default_factory=dict, json_schema_extra={"default": {}})
    """Options put over those that Ouranos sets, by section and name. Secrets are refused."""
    policy: options.Policy = Field(default_factory=dict, json_schema_extra={"default": {}})
    """Access rules put over those of the service: oslo.policy check strings by rule."""


class Compute(model.Model):
    """How machines run guests."""

    virtualization: values.Virtualization = "auto"
    """kvm: by the processor. qemu: by emulation. auto: kvm where /dev/kvm is there, else qemu."""
    datapath: values.Datapath = "auto"
    """Who moves packets: the kernel (system), Open vSwitch itself (netdev), or what is there."""
    tunnel_interface: values.Interface | None = None
    """The machines' network card for guests' packets to other machines; without it, the card with
    the node's address. Where Open vSwitch itself moves packets, guests of different machines reach
    each other by such a card only; it then is Open vSwitch's, with its IPv4 address on br-phy.
    """


_NETWORK_STAYS = rules.immutable(
    "addresses from it are in use", "put back the old network, or make a new cloud"
)


class Underlay(model.Model):
    """The networks on which a cloud stands."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.Invariant(
            cel="!isCIDR(self.management) || !isCIDR(self.public) || !(cidr(self.management)"
            ".containsCIDR(self.public) || cidr(self.public).containsCIDR(self.management))",
            check=lambda value: not _overlap(value["management"], value["public"]),
            message="overlaps the management network",
            hint="choose networks that share no address, such as 172.31.0.0/24 and 172.24.4.0/24",
            field=".public",
        ),
    )
    management: Annotated[values.Network, _NETWORK_STAYS] = "172.31.0.0/24"
    """IPv4 network of the nodes, in CIDR notation: APIs, databases and tunnels use it."""
    public: Annotated[values.Network, _NETWORK_STAYS] = "172.24.4.0/24"
    """IPv4 network of routers and floating IPs, in CIDR notation."""
    mtu: values.Mtu = 1500
    """Largest packet of the management network in bytes; tenants get 58 less, for Geneve."""


def _overlap(one: str, other: str) -> bool:
    first, second = values.network(one), values.network(other)
    return first is not None and second is not None and first.overlaps(second)


class ServiceSpec(Settings, model.Managed):
    """What every service is told. The Cloud writes it; people may write it themselves."""

    release: values.Release
    """The OpenStack release, such as 2026.2."""
    region: Annotated[
        values.Region,
        rules.immutable(
            "it is in the catalogue and in the objects of every service", "put back the old region"
        ),
    ] = "RegionOne"
    """Name of the region in the catalogue."""
    public_host: values.Host | None = None
    """Host of the public URLs; without it, the address of the service's load balancer."""


class Endpoints(model.Observed):
    """Where a service answers."""

    public: Annotated[str, StringConstraints(max_length=2048)] | None = None
    """The URL for clients of the cloud."""
    internal: Annotated[str, StringConstraints(max_length=2048)] | None = None
    """The URL for other services."""


class ServiceStatus(model.Status):
    """What is observed of a service."""

    replicas: Annotated[int, Field(ge=0)] | None = None
    """How many copies of the API are run."""
    selector: Annotated[str, StringConstraints(max_length=1024)] | None = None
    """Labels of the API's pods, for autoscalers."""
    release: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The release that is fully rolled out."""
    endpoints: Endpoints = Endpoints()


class HypervisorSpec(model.Model):
    """What a machine that runs guests is told."""

    node_name: values.ObjectName
    """Name of the Node object of the machine; the Hypervisor has the same name."""
    management: values.Management = "Running"
    """Running: its controller acts. Paused: it changes nothing; what is there goes on."""
    scheduling: Literal["Enabled", "Disabled"] = "Enabled"
    """Enabled: Nova may place guests here. Disabled: it places no new ones."""
    compute: Compute = Compute()


class HypervisorStatus(model.Status):
    """What is observed of a machine that runs guests."""

    virtualization: Annotated[str, StringConstraints(max_length=16)] | None = None
    """How guests run: kvm or qemu."""
    datapath: Annotated[str, StringConstraints(max_length=16)] | None = None
    """Who moves packets: system or netdev."""
    release: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The release of its agents."""


class Hypervisor(model.Resource):
    """A machine that runs guests."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.Invariant(
            cel="self.metadata.name == self.spec.nodeName",
            check=lambda value: value["metadata"]["name"] == value["spec"]["nodeName"],
            message="must be the name of the object",
            hint="give both the name of the Node",
            field=".spec.nodeName",
        ),
    )
    spec: HypervisorSpec
    status: HypervisorStatus = HypervisorStatus()
