"""Which objects does a lab have from the start? Those that any cluster's administrator makes."""

from typing import Final

from ouranos.kit import kinds, storage
from ouranos.kit.objects import Object

STORAGE_CLASS: Final = "local"
PROVISIONER: Final = "lab.ouranos.cloud/local"


def given() -> tuple[Object, ...]:
    """Return them: the default StorageClass, and what the name server and the providers may do."""
    return (
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {storage.DEFAULT: "true"},
            },
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        },
        *_allowed(
            "system:coredns",
            [
                _rule("", ("endpoints", "services", "pods", "namespaces"), ("list", "watch")),
                _rule("discovery.k8s.io", ("endpointslices",), ("list", "watch")),
            ],
        ),
        *_allowed(
            "lab-providers",
            [
                _rule("", ("services", "persistentvolumeclaims"), ("get", "list", "watch")),
                _rule("", ("services/status",), ("patch", "update")),
                _rule(
                    "",
                    ("persistentvolumes",),
                    ("create", "delete", "get", "list", "patch", "update", "watch"),
                ),
                _rule("", ("events",), ("create", "patch")),
            ],
        ),
    )


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _allowed(user: str, rules: list[Object]) -> tuple[Object, Object]:
    role: Object = {
        "apiVersion": f"{kinds.RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": rules,
    }
    binding: Object = {
        "apiVersion": f"{kinds.RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": kinds.RBAC, "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": kinds.RBAC, "kind": "User", "name": user}],
    }
    return role, binding
