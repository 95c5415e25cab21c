"""What do we ask of RabbitMQ's operators? Their objects, as rabbitmq.com/v1beta1 has them.

There are two: the cluster operator runs servers, the messaging topology operator makes virtual
hosts and users in them. A cluster may have the first without the second.
"""

from typing import Final

from ouranos.backing import manifests, operators
from ouranos.kit import objects, scheduling
from ouranos.kit.objects import Kind, Object

SOFTWARE: Final = operators.Software(
    "the RabbitMQ cluster operator", "https://github.com/rabbitmq/cluster-operator"
)
TOPOLOGY: Final = operators.Software(
    "the RabbitMQ messaging topology operator",
    "https://github.com/rabbitmq/messaging-topology-operator",
)
GROUP: Final = "rabbitmq.com"
SERVER: Final = Kind(GROUP, "v1beta1", "RabbitmqCluster", "rabbitmqclusters")
VHOST: Final = Kind(GROUP, "v1beta1", "Vhost", "vhosts")
USER: Final = Kind(GROUP, "v1beta1", "User", "users")
PERMISSION: Final = Kind(GROUP, "v1beta1", "Permission", "permissions")
operators.register(SERVER, VHOST, USER, PERMISSION)

_MEMORY: Final = {
    "requests": {"cpu": "100m", "memory": "1Gi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}
_EVERYTHING: Final = {"configure": ".*", "write": ".*", "read": ".*"}


def server(identity: manifests.Identity, ours: Object) -> Object:
    """Return the server: one instance, or several."""
    said: Object = ours["operator"]
    named = {"storageClassName": ours["storageClassName"]} if "storageClassName" in ours else {}
    placed = scheduling.on_control_plane({}, scheduling.BACKING_CLASS)
    affinity = dict(placed["affinity"])
    if said["replicas"] > 1:
        apart = {
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": identity.name}},
            "topologyKey": "kubernetes.io/hostname",
        }
        preferred = [{"weight": 100, "podAffinityTerm": apart}]
        affinity["podAntiAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    return {
        "apiVersion": SERVER.api_version,
        "kind": SERVER.kind,
        "metadata": identity.metadata(),
        "spec": {
            "replicas": said["replicas"],
            "persistence": {"storage": said["storage"], **named},
            "resources": _MEMORY,
            "affinity": affinity,
            "tolerations": placed["tolerations"],
        },
    }


def _service(made: Object, port: manifests.Port) -> tuple[str, int]:
    said = objects.mapping(made, "status", "defaultUser", "serviceReference")
    return said.get("name") or objects.key_of(made).name, port.number


def _account(made: Object) -> operators.Account:
    said = objects.mapping(made, "status", "defaultUser", "secretReference")
    keys = objects.mapping(said, "keys")
    return operators.Account(
        said.get("name") or f"{objects.key_of(made).name}-default-user",
        username_key=keys.get("username") or "username",
        password_key=keys.get("password") or "password",
    )


def _trouble(made: Object) -> str:
    if objects.mapping(made, "spec", "tls").get("disableNonTLSListeners"):
        return (
            "speaks TLS only (spec.tls.disableNonTLSListeners), which services here do not yet; "
            "hint: name one that listens on port 5672 too"
        )
    return ""


OPERATOR: Final = operators.Operator(
    software=SOFTWARE,
    kind=SERVER,
    made=server,
    proofs=("ClusterAvailable", "AllReplicasReady", "ReconcileSuccess"),
    service=_service,
    account=_account,
    trouble=_trouble,
)


def vhost(order: operators.Order) -> Object:
    """Return the virtual host; it stays in the server when the object goes."""
    spec = {
        "name": order.thing,
        "deletionPolicy": "retain",
        "rabbitmqClusterReference": {"name": order.server},
    }
    return order.object(VHOST, order.name, spec)


def user(order: operators.Order) -> Object:
    """Return the user; it goes from the server with the object."""
    spec = {
        "importCredentialsSecret": {"name": order.secret},
        "rabbitmqClusterReference": {"name": order.server},
    }
    return order.object(USER, order.account, spec)


def permission(order: operators.Order) -> Object:
    """Return the permission: everything in the one virtual host.

    It names the user and not its object: by that, the operator would make itself the owner.
    """
    spec = {
        "vhost": order.thing,
        "user": order.username,
        "permissions": _EVERYTHING,
        "rabbitmqClusterReference": {"name": order.server},
    }
    return order.object(PERMISSION, order.name, spec)


def stands_for(theirs: Object) -> tuple[str, str]:
    """Return server and virtual host that a Vhost object of theirs stands for."""
    server_ = objects.mapping(theirs, "spec", "rabbitmqClusterReference").get("name", "")
    return server_, theirs["spec"]["name"]


PARTS: Final = operators.Parts(
    software=TOPOLOGY,
    thing=VHOST,
    user=USER,
    grant=PERMISSION,
    login="importCredentialsSecret",
    drops={VHOST: {"deletionPolicy": "delete"}},
    # Since version 1.20 it sees no Secret without it.
    labels={"rabbitmq.com/topology-operator": "true"},
    stands_for=stands_for,
    or_by_hand=True,
)
