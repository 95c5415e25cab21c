"""What do we ask of mariadb-operator? Its objects, as its API k8s.mariadb.com/v1alpha1 has them."""

from typing import Final

from ouranos.backing import manifests, operators
from ouranos.kit import objects, scheduling
from ouranos.kit.objects import Kind, Object

SOFTWARE: Final = operators.Software(
    "mariadb-operator", "https://github.com/mariadb-operator/mariadb-operator"
)
GROUP: Final = "k8s.mariadb.com"
SERVER: Final = Kind(GROUP, "v1alpha1", "MariaDB", "mariadbs")
DATABASE: Final = Kind(GROUP, "v1alpha1", "Database", "databases")
USER: Final = Kind(GROUP, "v1alpha1", "User", "users")
GRANT: Final = Kind(GROUP, "v1alpha1", "Grant", "grants")
operators.register(SERVER, DATABASE, USER, GRANT)

_READY: Final = "Ready"
_PORT: Final = 3306
_MEMORY: Final = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}
_SETTINGS: Final = """\
[mariadb]
max_connections = 500
innodb_flush_log_at_trx_commit = 1
character_set_server = utf8mb3
collation_server = utf8mb3_general_ci
"""


def server(identity: manifests.Identity, ours: Object) -> Object:
    """Return the server: one instance, or a Galera cluster of several."""
    said: Object = ours["operator"]
    named = {"storageClassName": ours["storageClassName"]} if "storageClassName" in ours else {}
    placed = scheduling.on_control_plane({}, scheduling.BACKING_CLASS)
    spec: Object = {
        "storage": {"size": said["storage"], **named},
        "replicas": said["replicas"],
        "myCnf": _SETTINGS,
        "resources": _MEMORY,
        "affinity": placed["affinity"],
        "tolerations": placed["tolerations"],
        "priorityClassName": placed["priorityClassName"],
    }
    if said["replicas"] > 1:
        spec["galera"] = {"enabled": True}
        spec["affinity"] = {**spec["affinity"], "antiAffinityEnabled": True}
    return {
        "apiVersion": SERVER.api_version,
        "kind": SERVER.kind,
        "metadata": identity.metadata(),
        "spec": spec,
    }


def _service(made: Object, _: manifests.Port) -> tuple[str, int]:
    """Return the Service of the one instance that is written to."""
    spec: Object = made["spec"]
    several = any(objects.mapping(spec, way).get("enabled") for way in ("galera", "replication"))
    return objects.key_of(made).name + ("-primary" if several else ""), spec.get("port", _PORT)


def _account(made: Object) -> operators.Account:
    spec: Object = made["spec"]
    if spec.get("rootEmptyPassword"):
        return operators.Account("", "root")
    said = objects.mapping(spec, "rootPasswordSecretKeyRef")
    name: str = said.get("name") or f"{objects.key_of(made).name}-root"
    return operators.Account(name, "root", password_key=said.get("key") or "password")


OPERATOR: Final = operators.Operator(
    software=SOFTWARE,
    kind=SERVER,
    made=server,
    proofs=(_READY,),
    service=_service,
    account=_account,
)


def database(order: operators.Order) -> Object:
    """Return the database; it stays in the server when the object goes."""
    spec = {
        "mariaDbRef": {"name": order.server},
        "name": order.thing,
        "characterSet": "utf8mb3",
        "collate": "utf8mb3_general_ci",
        "cleanupPolicy": "Skip",
    }
    return order.object(DATABASE, order.name, spec)


def user(order: operators.Order) -> Object:
    """Return the user; without a number of its own, it would have ten connections at once."""
    spec = {
        "mariaDbRef": {"name": order.server},
        "name": order.username,
        "host": "%",
        "passwordSecretKeyRef": {"name": order.secret, "key": "password"},
        "maxUserConnections": 0,
        "cleanupPolicy": "Skip",
    }
    return order.object(USER, order.account, spec)


def grant(order: operators.Order) -> Object:
    """Return the grant: everything in the one database, whose `_` would match any letter."""
    spec = {
        "mariaDbRef": {"name": order.server},
        "privileges": ["ALL PRIVILEGES"],
        "database": order.thing.replace("_", r"\_"),
        "table": "*",
        "username": order.username,
        "host": "%",
        "cleanupPolicy": "Skip",
    }
    return order.object(GRANT, order.name, spec)


def stands_for(theirs: Object) -> tuple[str, str]:
    """Return server and database that a Database object of theirs stands for."""
    name: str = theirs["spec"].get("name") or objects.key_of(theirs).name
    return objects.mapping(theirs, "spec", "mariaDbRef").get("name", ""), name


PARTS: Final = operators.Parts(
    software=SOFTWARE,
    thing=DATABASE,
    user=USER,
    grant=GRANT,
    login="passwordSecretKeyRef",
    drops={kind: {"cleanupPolicy": "Delete"} for kind in (DATABASE, USER, GRANT)},
    # Without it, it reads a Secret only when an object of its own changes.
    labels={"k8s.mariadb.com/watch": ""},
    stands_for=stands_for,
)
