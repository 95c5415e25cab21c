"""Extracts the structure of Kubernetes' own kinds from its published OpenAPI documents.

    scripts/generate_builtin_schemas.py v1.36.3

Fetches the module k8s.io/kubernetes through the Go module proxy and writes
src/ouranos/engine/apiserver/schema/data/builtin.jsonl: one definition per line, without
descriptions, only those that the listed kinds reach.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

TARGET = Path(__file__).parents[1] / "src/ouranos/engine/apiserver/schema/data/builtin.jsonl"

KINDS = {
    "api/v1": (
        "Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node",
        "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate",
        "ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount",
    ),
    "apis/admissionregistration.k8s.io/v1": (
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    ),
    "apis/apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "apis/apps/v1": (
        "ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet",
    ),
    "apis/authentication.k8s.io/v1": ("SelfSubjectReview", "TokenReview"),
    "apis/authorization.k8s.io/v1": (
        "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview",
        "SubjectAccessReview",
    ),
    "apis/autoscaling/v1": ("Scale",),
    "apis/autoscaling/v2": ("HorizontalPodAutoscaler",),
    "apis/batch/v1": ("CronJob", "Job"),
    "apis/coordination.k8s.io/v1": ("Lease",),
    "apis/discovery.k8s.io/v1": ("EndpointSlice",),
    "apis/events.k8s.io/v1": ("Event",),
    "apis/networking.k8s.io/v1": ("Ingress", "IngressClass", "NetworkPolicy"),
    "apis/policy/v1": ("Eviction", "PodDisruptionBudget"),
    "apis/rbac.authorization.k8s.io/v1": (
        "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    ),
    "apis/scheduling.k8s.io/v1": ("PriorityClass",),
    "apis/storage.k8s.io/v1": ("StorageClass",),
}  # fmt: skip

ALSO = (
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
)

PREFIX = "#/components/schemas/"
KIND_OF = "x-kubernetes-group-version-kind"
KEPT = {
    "type", "format", "properties", "items", "additionalProperties", "required", "default",
    "oneOf", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
    "x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key",
}  # fmt: skip

Schema = dict[str, Any]


def fetch(version: str) -> Path:
    """Fetch the module and return the folder of its OpenAPI v3 documents."""
    command = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")  # noqa: S603
    return Path(json.loads(done.stdout)["Dir"]) / "api" / "openapi-spec" / "v3"


def compact(schema: Schema) -> Schema:
    """Keep what says structure; collapse `allOf` of one reference."""
    if len(schema.get("allOf", ())) == 1 and "$ref" in schema["allOf"][0]:
        schema = {**schema, **schema["allOf"][0]}
    if "$ref" in schema:
        kept: Schema = {"$ref": schema["$ref"].removeprefix(PREFIX)}
        own = ("x-kubernetes-map-type", "x-kubernetes-patch-strategy", "default")
        return {**kept, **{key: schema[key] for key in own if key in schema}}
    kept = {key: value for key, value in schema.items() if key in KEPT}
    if "properties" in kept:
        pairs = sorted(kept["properties"].items())
        kept["properties"] = {key: compact(value) for key, value in pairs}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = compact(kept[key])
    return kept


def references(schema: Any) -> set[str]:
    """Name the definitions that a compacted schema refers to."""
    found: set[str] = set()
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            found |= references(item)
    elif isinstance(schema, dict):
        for key, item in cast("Schema", schema).items():
            found |= {item} if key == "$ref" and isinstance(item, str) else references(item)
    return found


def read(folder: Path) -> tuple[dict[str, Schema], dict[str, str]]:
    """Read all documents: definitions by name, and the listed kinds by definition name."""
    definitions: dict[str, Schema] = {}
    roots: dict[str, str] = {}
    for path in KINDS:
        file = folder / f"{path.replace('/', '__')}_openapi.json"
        for name, schema in json.loads(file.read_text())["components"]["schemas"].items():
            definitions.setdefault(name, compact(schema))
            for entry in schema.get(KIND_OF, ()):
                prefix = "apis/" if entry["group"] else "api"
                home = f"{prefix}{entry['group']}/{entry['version']}"
                if entry["kind"] in KINDS.get(home, ()):
                    api_version = home.removeprefix("apis/").removeprefix("api/")
                    roots[name] = f"{api_version} {entry['kind']}"
    return definitions, roots


def main(version: str) -> None:
    """Write the definitions that the listed kinds reach."""
    definitions, roots = read(fetch(version))
    missing = {kind for kinds in KINDS.values() for kind in kinds} - {
        kind.split()[1] for kind in roots.values()
    }
    if missing:
        sys.exit(f"not in {version}: {sorted(missing)}")
    reached: set[str] = set()
    pending = [*roots, *ALSO]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(references(definitions[name]))
    lines = [
        json.dumps(
            {
                "source": "k8s.io/kubernetes",
                "version": version,
                "kinds": {
                    kind: name for name, kind in sorted(roots.items(), key=lambda item: item[1])
                },
            },
            separators=(",", ":"),
        )
    ]
    for name in sorted(reached):
        body = json.dumps(definitions[name], separators=(",", ":"), sort_keys=True)
        lines.append(f"{name} {body}")
    TARGET.write_text("\n".join(lines) + "\n")
    print(f"{len(roots)} kinds, {len(reached)} definitions, {TARGET.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
