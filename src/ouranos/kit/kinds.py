"""Which kinds of objects do controllers use, and how is one found by its name in a manifest?"""

from typing import Final

from ouranos.kit import objects
from ouranos.kit.objects import Kind

GROUP: Final = "ouranos.cloud"
VERSION: Final = "v1alpha1"

NAMESPACE: Final = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
NODE: Final = Kind("", "v1", "Node", "nodes", namespaced=False)
POD: Final = Kind("", "v1", "Pod", "pods")
SERVICE: Final = Kind("", "v1", "Service", "services")
SECRET: Final = Kind("", "v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
PERSISTENT_VOLUME_CLAIM: Final = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
PERSISTENT_VOLUME: Final = Kind("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False)
EVENT: Final = Kind("", "v1", "Event", "events")
SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount", "serviceaccounts")
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment", "deployments")
REPLICA_SET: Final = Kind("apps", "v1", "ReplicaSet", "replicasets")
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet", "statefulsets")
DAEMON_SET: Final = Kind("apps", "v1", "DaemonSet", "daemonsets")
CONTROLLER_REVISION: Final = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
JOB: Final = Kind("batch", "v1", "Job", "jobs")
CRON_JOB: Final = Kind("batch", "v1", "CronJob", "cronjobs")
POD_DISRUPTION_BUDGET: Final = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease", "leases")
CUSTOM_RESOURCE_DEFINITION: Final = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
STORAGE_CLASS: Final = Kind(
    "storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False
)
PRIORITY_CLASS: Final = Kind(
    "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced=False
)
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
RBAC: Final = "rbac.authorization.k8s.io"
ROLE: Final = Kind(RBAC, "v1", "Role", "roles")
ROLE_BINDING: Final = Kind(RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE: Final = Kind(RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING: Final = Kind(
    RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
ADMISSION: Final = "admissionregistration.k8s.io"
VALIDATING_ADMISSION_POLICY: Final = Kind(
    ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", namespaced=False
)
VALIDATING_ADMISSION_POLICY_BINDING: Final = Kind(
    ADMISSION,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
)

CLOUD: Final = Kind(GROUP, VERSION, "Cloud", "clouds")
KEYSTONE: Final = Kind(GROUP, VERSION, "Keystone", "keystones")
GLANCE: Final = Kind(GROUP, VERSION, "Glance", "glances")
PLACEMENT: Final = Kind(GROUP, VERSION, "Placement", "placements")
NOVA: Final = Kind(GROUP, VERSION, "Nova", "novas")
NEUTRON: Final = Kind(GROUP, VERSION, "Neutron", "neutrons")
CINDER: Final = Kind(GROUP, VERSION, "Cinder", "cinders")
MARIADB: Final = Kind(GROUP, VERSION, "MariaDB", "mariadbs")
RABBITMQ: Final = Kind(GROUP, VERSION, "RabbitMQ", "rabbitmqs")
MEMCACHED: Final = Kind(GROUP, VERSION, "Memcached", "memcacheds")
OVN: Final = Kind(GROUP, VERSION, "OVN", "ovns")
HYPERVISOR: Final = Kind(GROUP, VERSION, "Hypervisor", "hypervisors")
DATABASE: Final = Kind(GROUP, VERSION, "Database", "databases")
VHOST: Final = Kind(GROUP, VERSION, "Vhost", "vhosts")

_KNOWN: Final[dict[tuple[str, str], Kind]] = {
    (kind.api_version, kind.kind): kind
    for kind in list(globals().values())
    if isinstance(kind, Kind)
}


def register(kind: Kind) -> None:
    """Make a kind of somebody else's (an operator's custom resource) known to `of`.

    Raises:
        ValueError: another plural or scope is already known for it.
    """
    known = _KNOWN.setdefault((kind.api_version, kind.kind), kind)
    if known != kind:
        raise ValueError(f"{kind} is already known as {known}")


def of(obj: objects.Object) -> Kind:
    """Return the kind of an object, found by its `apiVersion` and `kind`.

    Raises:
        LookupError: nobody has named this kind.
    """
    name = (obj.get("apiVersion", ""), obj.get("kind", ""))
    try:
        return _KNOWN[name]
    except KeyError:
        raise LookupError(f"unknown kind {name[0]} {name[1]}") from None


def known() -> tuple[Kind, ...]:
    """Return every kind that `of` can find."""
    return tuple(_KNOWN.values())
