"""Installing on a real API server: what is refused, what is done, what the roles allow."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from tests_install import ROOT, SYSTEM, Place

from ouranos.install import access, calls, manifests, order

EVERY = manifests.every(order.Order())
READ = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}


def test_a_kubeconfig_that_leads_nowhere_is_refused(place: Place, tmp_path: Path) -> None:
    done = place.ouranos("install", "--yes", code=1, kubeconfig=tmp_path / "none")
    assert done.stderr.startswith(f"error: {tmp_path / 'none'} cannot be read")
    found = yaml.safe_load(place.kubeconfig.read_text("utf-8"))
    found["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "away").write_text(yaml.safe_dump(found), "utf-8")
    done = place.ouranos("install", "--yes", code=1, kubeconfig=tmp_path / "away")
    assert "error: https://127.0.0.1:1 does not answer" in done.stderr


def test_a_token_that_is_not_known_is_refused(place: Place, tmp_path: Path) -> None:
    found = yaml.safe_load(place.kubeconfig.read_text("utf-8"))
    found["users"][0]["user"] = {"token": "of-nobody"}
    (tmp_path / "nobody").write_text(yaml.safe_dump(found), "utf-8")
    done = place.ouranos("install", "--yes", code=1, kubeconfig=tmp_path / "nobody")
    assert "does not know us" in done.stderr


def test_the_plan_is_printed_and_nothing_is_done_without_a_word(place: Place) -> None:
    done = place.ouranos("install", "--dry-run", "-o", "json")
    rows = json.loads(done.stdout)["plan"]
    assert [row["action"] for row in rows] == ["create"] * len(EVERY)
    assert "no default StorageClass" in done.stderr
    done = place.ouranos("install", code=1)
    assert "error: nobody is there to be asked; nothing was changed" in done.stderr
    assert SYSTEM not in place.kubectl("get", "namespaces", "-o", "name")


def test_who_may_only_look_is_told_what_is_missing(place: Place) -> None:
    done = place.ouranos("install", "--yes", code=1, kubeconfig=place.user("onlooker", READ))
    assert "error: the credentials lack rights: " in done.stderr
    assert "create clusterroles.rbac.authorization.k8s.io" in done.stderr
    assert f"create deployments.apps in namespace {SYSTEM}" in done.stderr
    assert SYSTEM not in place.kubectl("get", "namespaces", "-o", "name")


def test_who_may_not_give_rights_is_told_so(place: Place) -> None:
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    writes = {"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}
    done = place.ouranos("install", "--yes", code=1, kubeconfig=place.user("writer", writes))
    assert "may not give rights that they do not have themselves" in done.stderr
    assert SYSTEM not in place.kubectl("get", "namespaces", "-o", "name")


def test_a_definition_of_somebody_else_is_refused(place: Place) -> None:
    (crd,) = [one for one in EVERY if one["metadata"]["name"] == "vhosts.ouranos.cloud"]
    bare = {**crd, "metadata": {"name": "vhosts.ouranos.cloud"}}
    place.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(bare))
    done = place.ouranos("install", "--yes", code=1)
    assert (
        "CustomResourceDefinition vhosts.ouranos.cloud: there already and not ours" in done.stderr
    )
    assert "kubectl made it" in done.stderr
    place.kubectl("delete", "crd", "vhosts.ouranos.cloud")


def test_installing_twice_changes_nothing_the_second_time(place: Place) -> None:
    done = place.ouranos("install", "--yes", "--no-wait")
    assert f"{len(EVERY)} to create" in done.stdout
    before = _versions(place)
    done = place.ouranos("install", "--yes", "--no-wait")
    assert done.stdout == "nothing to do: everything is as it should be\n"
    assert _versions(place) == before


def test_controllers_that_do_not_come_are_said(place: Place) -> None:
    done = place.ouranos("install", "--yes", "--timeout", "1", code=3)
    assert "error: not available after 1 s: Deployment ouranos-controllers" in done.stderr


def test_every_definition_is_established_and_its_rules_are_affordable(place: Place) -> None:
    for crd in place.get("crds", "-l", "app.kubernetes.io/managed-by=ouranos-install")["items"]:
        said = {one["type"]: one["status"] for one in crd["status"]["conditions"]}
        assert said["Established"] == "True", crd["metadata"]["name"]
        assert said.get("NonStructuralSchema", "False") == "False"


def test_a_second_installation_is_refused(place: Place) -> None:
    done = place.ouranos("install", "--yes", "--namespace", "elsewhere", code=1)
    assert f"Ouranos is installed in namespace {SYSTEM} already" in done.stderr
    assert "elsewhere" not in place.kubectl("get", "namespaces", "-o", "name")


def test_a_field_that_somebody_else_has_set_is_refused_or_taken_over(place: Place) -> None:
    deployment = ("deployment", order.NAME, "-n", SYSTEM)
    place.kubectl("patch", *deployment, "-p", '{"spec": {"replicas": 1}}')
    done = place.ouranos("install", "--yes", "--no-wait", code=1)
    assert "somebody else has set spec.replicas" in done.stderr
    done = place.ouranos("install", "--yes", "--no-wait", "--take-over")
    assert done.stdout.startswith("change  Deployment  ouranos-system/ouranos-controllers  ")
    assert place.get(*deployment)["spec"]["replicas"] == 2


def test_the_folder_is_what_is_installed(place: Place) -> None:
    """Every object of `deploy/` passes the server's schemas, and is what `install` made."""
    built = place.kubectl("kustomize", str(ROOT / "deploy"))
    # Both agree on each field, but for the mark of a namespace that was made: no conflict.
    words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    told = place.kubectl(*words, stdin=built).splitlines()
    assert len(told) == len(EVERY)
    assert all(line.endswith("serverside-applied (server dry run)") for line in told)
    place.kubectl("diff", "--server-side", "-f", "-", stdin=built)


def test_kustomize_names_another_registry(place: Place, tmp_path: Path) -> None:
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    overlay = {
        "resources": ["../base"],
        "images": [{"name": "ouranos.cloud/controllers", "newName": "registry.test/controllers"}],
    }
    base = tmp_path / "base"
    base.mkdir()
    for file in (ROOT / "deploy").rglob("*.yaml"):
        copied = base / file.relative_to(ROOT / "deploy")
        copied.parent.mkdir(exist_ok=True)
        copied.write_text(file.read_text("utf-8"), "utf-8")
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text(yaml.safe_dump(overlay), "utf-8")
    built = place.kubectl("kustomize", str(tmp_path / "overlay"))
    assert "image: registry.test/controllers:" in built
    assert "image: ouranos.cloud/" not in built


def test_the_controllers_may_do_what_they_call_and_nothing_dear(place: Place) -> None:
    asked = [
        (call.verb, call.group, resource, order.NAME if call.own else "")
        for call in sorted(calls.known())
        for resource in access.resources(call.resource)
    ]
    named = [(*one[:3], "" if one[0] == "create" else one[3]) for one in asked]
    assert place.refused(order.NAME, named) == []
    dear = [
        ("delete", "", "persistentvolumeclaims", ""),
        ("delete", "", "namespaces", ""),
        ("create", "", "pods", ""),
        ("create", "", "pods/exec", ""),
        ("delete", "", "secrets", ""),
        ("create", "rbac.authorization.k8s.io", "clusterroles", ""),
        ("impersonate", "", "users", ""),
        ("update", "coordination.k8s.io", "leases", "of-somebody-else"),
    ]
    assert place.refused(order.NAME, dear) == dear


def test_people_get_our_kinds_by_the_clusters_own_roles(place: Place) -> None:
    for role, verb in (("view", "get"), ("edit", "create")):
        found = place.get("clusterrole", f"ouranos-{role}")
        labels = found["metadata"]["labels"]
        assert labels[f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
        assert verb in found["rules"][0]["verbs"]


def test_a_cloud_holds_back_the_removal_and_data_is_named(place: Place) -> None:
    place.kubectl("create", "namespace", "home")
    cloud = ROOT / "examples" / "solo.yaml"
    text = cloud.read_text("utf-8")
    name = next(each["metadata"]["name"] for each in yaml.safe_load_all(text))
    place.kubectl("apply", "-n", "home", "-f", "-", stdin=text)
    done = place.ouranos("uninstall", "--yes", code=1)
    assert f"error: Cloud home/{name} is still there" in done.stderr
    place.kubectl("delete", "cloud", name, "-n", "home")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "glance", "labels": {"app.kubernetes.io/managed-by": "ouranos"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    place.kubectl("apply", "-n", "home", "-f", "-", stdin=json.dumps(claim))
    told = json.loads(place.ouranos("uninstall", "--dry-run", "-o", "json").stdout)
    assert told["left"] == ["PersistentVolumeClaim home/glance (1Gi)"]
    done = place.ouranos("uninstall", "--yes")
    assert "left: PersistentVolumeClaim home/glance (1Gi)" in done.stdout
    left = place.kubectl("get", "crds,clusterroles,namespaces,priorityclasses", "-o", "name")
    assert "ouranos" not in left
    place.kubectl("get", "pvc", "glance", "-n", "home")
    assert place.ouranos("uninstall", "--yes").stdout.startswith("nothing to do")


def _versions(place: Place) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in EVERY:
        where = one["metadata"].get("namespace", "default")
        words = (one["kind"], one["metadata"]["name"], "-n", where)
        found["/".join(words[:2])] = place.get(*words)["metadata"]["resourceVersion"]
    return found
