"""Is `deploy/` what an installation consists of, and is the committed one up to date?"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ouranos.install import folder, manifests, order, removal
from ouranos.kit import kinds, objects

ROOT = Path(__file__).parents[2]
EVERY = manifests.every(order.Order())
BY_KIND = {(one["kind"], one["metadata"]["name"]): one for one in EVERY}


def test_the_committed_files_are_up_to_date() -> None:
    base = ROOT / "deploy"
    committed = {
        path.relative_to(base).as_posix(): path.read_text("utf-8")
        for path in base.rglob("*")
        if path.is_file()
    }
    assert committed == folder.files(order.Order()), "run `make deploy`"


def test_writing_again_changes_nothing_and_names_nothing(tmp_path: Path) -> None:
    wanted = order.Order()
    assert len(folder.write(tmp_path, wanted)) == len(folder.files(wanted))
    (tmp_path / "crds" / "foreign.yaml").write_text("x")
    (tmp_path / "kustomization.yaml").write_text("x")
    assert folder.write(tmp_path, wanted) == ["crds/foreign.yaml", "kustomization.yaml"]
    assert folder.write(tmp_path, wanted) == []


def test_the_command_writes_where_it_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ouranos.install", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(tmp_path / "crds" / "clouds.ouranos.cloud.yaml") in done.stdout


def test_the_kustomizations_name_every_file_and_hold_every_object() -> None:
    texts = folder.files(order.Order())
    found: list[objects.Object] = []
    for part in yaml.safe_load(texts["kustomization.yaml"])["resources"]:
        named = yaml.safe_load(texts[f"{part}/kustomization.yaml"])["resources"]
        there = {name.partition("/")[2] for name in texts if name.startswith(f"{part}/")}
        assert {*named, "kustomization.yaml"} == there
        for name in named:
            found += yaml.load_all(texts[f"{part}/{name}"], yaml.CSafeLoader)
    assert sorted(map(str, found)) == sorted(map(str, EVERY))


def test_the_same_order_gives_the_same_objects_in_an_order_that_can_be_applied() -> None:
    assert manifests.every(order.Order()) == EVERY
    seen = [one["kind"] for one in EVERY]
    assert seen[0] == "Namespace"
    assert seen[-1] == "Deployment"
    assert max(at for at, kind in enumerate(seen) if kind == "CustomResourceDefinition") < min(
        seen.index("ClusterRole"), seen.index("Deployment")
    )
    assert len({(one["kind"], objects.key_of(one)) for one in EVERY}) == len(EVERY)


@pytest.mark.parametrize("obj", EVERY, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_every_object_is_marked_as_part_of_an_installation(obj: objects.Object) -> None:
    labels = objects.labels_of(obj)
    assert labels["app.kubernetes.io/part-of"] == "ouranos"
    assert labels["app.kubernetes.io/managed-by"] == "ouranos-install"
    assert labels["app.kubernetes.io/name"]
    assert labels["app.kubernetes.io/version"] == order.Order().release
    assert kinds.of(obj) in manifests.KINDS


@pytest.mark.parametrize("obj", EVERY, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_flux_and_argo_keep_what_clouds_need_and_nothing_else(obj: objects.Object) -> None:
    annotations = objects.annotations_of(obj)
    kept = removal.stays(kinds.of(obj), obj["metadata"]["name"])
    assert (annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled") is kept
    options = annotations.get("argocd.argoproj.io/sync-options", "").split(",")
    assert ({"Prune=false", "Delete=false"} <= set(options)) is kept


def test_controllers_reach_pods_and_nodes_where_addresses_name_none() -> None:
    """Where Cilium is the network, a peer that is a block of addresses lets only strangers in."""
    spec = BY_KIND["NetworkPolicy", order.NAME]["spec"]
    assert all(set(rule) == {"ports"} for rule in spec["egress"])
    assert {"protocol": "TCP"} in [port for rule in spec["egress"] for port in rule["ports"]]


def test_the_controllers_pod_keeps_the_restricted_standard() -> None:
    labels = objects.labels_of(BY_KIND["Namespace", "ouranos-system"])
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = BY_KIND["Deployment", order.NAME]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert set(container["resources"]) == {"requests", "limits"}
    assert {"livenessProbe", "readinessProbe"} <= set(container)
    assert pod["priorityClassName"] in {name for kind, name in BY_KIND if kind == "PriorityClass"}


@pytest.mark.parametrize(
    ("images", "reference", "told"),
    [
        ("", "ouranos.cloud/controllers:1.2.3", None),
        (
            "registry.test/ouranos",
            "registry.test/ouranos/controllers:1.2.3",
            "registry.test/ouranos",
        ),
        ("registry.test:5000/", "registry.test:5000/controllers:1.2.3", "registry.test:5000"),
    ],
)
def test_images_come_from_where_the_order_says(
    images: str, reference: str, told: str | None
) -> None:
    wanted = order.Order(images=images, version="1.2.3")
    template = manifests.every(wanted)[-1]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["image"] == reference
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment.get("OURANOS_IMAGES") == told


def test_another_namespace_and_other_replicas_reach_every_object() -> None:
    made = manifests.every(order.Order(namespace="elsewhere", replicas=1))
    text = folder.text(made)
    assert "ouranos-system" not in text
    assert made[-1]["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("role", "into", "verbs"),
    [
        ("ouranos-view", "view", {"get", "list", "watch"}),
        ("ouranos-edit", "edit", {"create", "delete", "deletecollection", "patch", "update"}),
    ],
)
def test_people_get_our_kinds_by_the_roles_that_they_have(
    role: str, into: str, verbs: set[str]
) -> None:
    found = BY_KIND["ClusterRole", role]
    assert objects.labels_of(found)[f"rbac.authorization.k8s.io/aggregate-to-{into}"] == "true"
    (rule,) = found["rules"]
    assert set(rule["verbs"]) == verbs
    plurals = {name.partition(".")[0] for kind, name in BY_KIND if kind.startswith("Custom")}
    assert set(rule["resources"]) == plurals
