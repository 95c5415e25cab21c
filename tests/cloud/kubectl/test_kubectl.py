"""An unmodified kubectl works against the embedded API."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec:
  containers: [{name: c, image: i}]
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, default: 3, description: How large it is.}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(120)]


@pytest.fixture
def web(kubectl: Kubectl) -> str:
    """A Deployment."""
    kubectl("apply", "-f", "-", text=DEPLOYMENT)
    return "deployment/web"


def status(kubectl: Kubectl, what: str, **fields: object) -> None:
    patch = json.dumps({"status": fields})
    kubectl("patch", what, "--subresource=status", "--type=merge", "-p", patch)


def test_versions_fit(kubectl: Kubectl) -> None:
    told = json.loads(kubectl("version", "-o", "json").stdout)
    assert told["serverVersion"]["gitVersion"].endswith("-ouranos")


def test_get_prints_columns(kubectl: Kubectl, web: str) -> None:
    header, row = kubectl("get", "deployments").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:2] == ["web", "0/2"]
    wide = kubectl("get", "deploy", "-o", "wide").stdout
    assert "nginx" in wide
    assert "app=web" in wide


@pytest.mark.parametrize("form", ["yaml", "json", "name", "jsonpath={.spec.replicas}"])
def test_get_prints_objects(kubectl: Kubectl, web: str, form: str) -> None:
    told = kubectl("get", web, "-o", form).stdout
    assert "2" in told or told.strip() == "deployment.apps/web"


def test_get_all_shows_all(kubectl: Kubectl, web: str) -> None:
    kubectl("apply", "-f", "-", text=POD)
    told = kubectl("get", "all", "--show-labels").stdout
    assert "deployment.apps/web" in told
    assert "pod/one" in told


def test_what_is_missing_is_said(kubectl: Kubectl) -> None:
    told = kubectl("get", "deployment", "none", code=1).stderr
    assert told == 'Error from server (NotFound): deployments.apps "none" not found\n'
    told = kubectl("get", "nothings", code=1).stderr
    assert "the server doesn't have a resource type" in told


def test_describe_tells_events(kubectl: Kubectl, web: str) -> None:
    uid = kubectl("get", web, "-o", "jsonpath={.metadata.uid}").stdout
    involved = {"kind": "Deployment", "name": "web", "namespace": "default", "uid": uid}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "default"},
        "involvedObject": {**involved, "apiVersion": "apps/v1"},
        "reason": "Tested",
        "message": "it was told",
        "type": "Normal",
        "source": {"component": "tests"},
    }
    kubectl("create", "-f", "-", text=json.dumps(event))
    told = kubectl("describe", web).stdout
    assert "StrategyType:           RollingUpdate" in told
    assert "it was told" in told


@pytest.mark.parametrize("what", ["pod/one", "node/n", "namespace/default", "service/s"])
def test_describe_works_for_kinds(kubectl: Kubectl, what: str) -> None:
    node = '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}'
    service = (
        '{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":1}]}}'
    )
    for text in (POD, node, service):
        kubectl("apply", "-f", "-", text=text)
    name = what.partition("/")[2]
    assert name in kubectl("describe", what).stdout


def test_apply_says_what_it_did(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", text=DEPLOYMENT).stdout == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", text=DEPLOYMENT).stdout == "deployment.apps/web unchanged\n"
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 3")
    assert kubectl("apply", "-f", "-", text=changed).stdout == "deployment.apps/web configured\n"
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.spec.replicas}").stdout == "3"


def test_apply_on_the_server_says_whose_a_field_is(kubectl: Kubectl) -> None:
    applied = kubectl("apply", "--server-side", "-f", "-", text=DEPLOYMENT).stdout
    assert applied == "deployment.apps/web serverside-applied\n"
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 3")
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    told = kubectl(*other, text=changed, code=1).stderr
    assert 'conflict with "kubectl": .spec.replicas' in told
    kubectl(*other, "--force-conflicts", text=changed)


def test_apply_can_change_its_side(kubectl: Kubectl, web: str) -> None:
    kubectl("apply", "--server-side", "-f", "-", text=DEPLOYMENT)
    kubectl("apply", "--server-side", "-f", "-", text=DEPLOYMENT.replace("nginx", "apache"))
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert kubectl("get", web, "-o", image).stdout == "apache"


def test_apply_refuses_unknown_fields(kubectl: Kubectl) -> None:
    wrong = DEPLOYMENT.replace("replicas: 2", "replicaz: 2")
    told = kubectl("apply", "-f", "-", text=wrong, code=1).stderr
    assert 'strict decoding error: unknown field "spec.replicaz"' in told


@pytest.mark.parametrize("run", ["client", "server"])
def test_a_dry_apply_changes_nothing(kubectl: Kubectl, run: str) -> None:
    kubectl("apply", f"--dry-run={run}", "-f", "-", text=DEPLOYMENT)
    kubectl("get", "deploy/web", code=1)


@pytest.mark.parametrize("side", [[], ["--server-side"]])
def test_diff_shows_the_change(kubectl: Kubectl, side: list[str]) -> None:
    kubectl("apply", *side, "-f", "-", text=DEPLOYMENT)
    assert kubectl("diff", *side, "-f", "-", text=DEPLOYMENT).stdout == ""
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 3")
    told = kubectl("diff", *side, "-f", "-", text=changed, code=1).stdout
    assert "-  replicas: 2" in told
    assert "+  replicas: 3" in told


def test_edit_keeps_what_the_editor_left(kubectl: Kubectl, web: str, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/replicas: 2/replicas: 5/" "$1"\n')
    editor.chmod(0o755)
    assert kubectl("edit", web, EDITOR=str(editor)).stdout == "deployment.apps/web edited\n"
    assert kubectl("get", web, "-o", "jsonpath={.spec.replicas}").stdout == "5"


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x"}]}}}}'),
        ("merge", '{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x"}]}}}}'),
        ("json", '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"x"}]'),
    ],
)
def test_patch_changes(kubectl: Kubectl, web: str, kind: str, patch: str) -> None:
    kubectl("patch", web, f"--type={kind}", "-p", patch)
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert kubectl("get", web, "-o", image).stdout == "x"


def test_small_changes_have_commands(kubectl: Kubectl, web: str) -> None:
    kubectl("label", web, "tier=front")
    kubectl("annotate", web, "note=yes")
    kubectl("scale", web, "--replicas=4")
    kubectl("set", "image", web, "c=other")
    kubectl("set", "env", web, "A=b")
    held = json.loads(kubectl("get", web, "-o", "json").stdout)
    assert held["metadata"]["labels"] == {"tier": "front"}
    assert held["metadata"]["annotations"]["note"] == "yes"
    assert held["spec"]["replicas"] == 4
    (container,) = held["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "other"
    assert container["env"] == [{"name": "A", "value": "b"}]


def test_create_makes_by_arguments(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "other")
    kubectl("create", "configmap", "c", "--from-literal=a=b", "-n", "other")
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b", "-n", "other")
    kubectl("create", "deployment", "d", "--image=i", "-n", "other")
    kubectl("create", "job", "j", "--image=i", "-n", "other")
    kubectl("create", "cronjob", "k", "--image=i", "--schedule=* * * * *", "-n", "other")
    kubectl("expose", "deployment", "d", "--port=80", "-n", "other")
    told = kubectl("get", "cm,secret,deploy,job,cronjob,svc", "-n", "other", "-o", "name").stdout
    assert len(told.splitlines()) == 6


def test_delete_waits_until_it_is_gone(kubectl: Kubectl, web: str) -> None:
    told = kubectl("delete", web).stdout
    assert told.startswith('deployment.apps "web" deleted')
    kubectl("get", web, code=1)


def test_delete_takes_labels_and_policies(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text=POD)
    kubectl("delete", "pods", "-l", "app=web", "--cascade=foreground")
    assert kubectl("get", "pods").stderr == "No resources found in default namespace.\n"


def test_delete_can_be_forced(kubectl: Kubectl) -> None:
    bound = POD.replace("spec:", "spec:\n  nodeName: node-1")
    kubectl("apply", "-f", "-", text=bound)
    kubectl("delete", "pod", "one", "--force", "--grace-period=0")
    kubectl("get", "pod", "one", code=1)


def test_a_namespace_goes_with_its_content(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "other")
    kubectl("apply", "-n", "other", "-f", "-", text=POD)
    kubectl("delete", "namespace", "other", "--timeout=30s")
    kubectl("get", "namespace", "other", code=1)


def test_wait_sees_conditions_and_deletion(
    kubectl: Kubectl, binary: Path, environment: dict[str, str]
) -> None:
    kubectl("apply", "-f", "-", text=POD)
    command = [binary, "wait", "pod/one", "--for=condition=Ready", "--timeout=30s"]
    waiting = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    assert waiting.poll() is None
    status(kubectl, "pod/one", conditions=[{"type": "Ready", "status": "True"}])
    assert waiting.communicate(timeout=30)[0] == "pod/one condition met\n"
    kubectl("wait", "pod/one", "--for=jsonpath={.spec.restartPolicy}=Always", "--timeout=5s")
    told = kubectl("wait", "pod/one", "--for=delete", "--timeout=1s", code=1).stderr
    assert "timed out waiting for the condition" in told


def test_rollout_status_follows(
    kubectl: Kubectl, web: str, binary: Path, environment: dict[str, str]
) -> None:
    command = [binary, "rollout", "status", web, "--timeout=30s"]
    waiting = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    assert waiting.poll() is None
    done = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 2)
    status(kubectl, web, observedGeneration=1, **done)
    assert 'deployment "web" successfully rolled out' in waiting.communicate(timeout=30)[0]


def test_rollout_restart_marks_the_template(kubectl: Kubectl, web: str) -> None:
    kubectl("rollout", "restart", web)
    held = json.loads(kubectl("get", web, "-o", "json").stdout)
    notes = held["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in notes
    kubectl("rollout", "pause", web)
    kubectl("rollout", "resume", web)


def test_logs_come_and_follow(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text=POD)
    assert kubectl("logs", "one").stdout == "first\nsecond\nthird\n"
    assert kubectl("logs", "one", "--tail=1").stdout == "third\n"
    assert kubectl("logs", "-f", "one", "--tail=1").stdout == "third\nlater 0\nlater 1\nlater 2\n"
    told = kubectl("logs", "one", "-c", "none", code=1).stderr
    assert "container none is not valid for pod one" in told


def test_watch_prints_changes(
    kubectl: Kubectl, web: str, binary: Path, environment: dict[str, str]
) -> None:
    command = [binary, "get", "deployments", "-w"]
    watching = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    lines = [watching.stdout.readline() for _ in range(2)]
    kubectl("scale", web, "--replicas=7")
    lines.append(watching.stdout.readline())
    watching.terminate()
    watching.communicate()
    assert lines[0].startswith("NAME")
    assert [line.split()[1] for line in lines[1:]] == ["0/2", "0/7"]


def test_explain_knows_fields(kubectl: Kubectl) -> None:
    told = kubectl("explain", "deployment.spec.replicas").stdout
    assert "FIELD: replicas <integer>" in told
    assert "containers" in kubectl("explain", "pod.spec", "--recursive").stdout


def test_custom_kinds_work_alike(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text=DEFINITION)
    kubectl("wait", "crd/widgets.example.com", "--for=condition=Established", "--timeout=10s")
    widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {}\n"
    kubectl("apply", "-f", "-", text=widget)
    header, row = kubectl("get", "wd").stdout.splitlines()
    assert header.split() == ["NAME", "SIZE"]
    assert row.split() == ["w", "3"]
    assert "How large it is." in kubectl("explain", "widget.spec.size").stdout
    assert "Size:" in kubectl("describe", "widget", "w").stdout
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=widget)
    told = kubectl(
        "apply", "-f", "-", text=widget.replace("spec: {}", "spec: {size: x}"), code=1
    ).stderr
    assert "spec.size in body must be of type integer" in told
    kubectl("delete", "crd", "widgets.example.com", "--timeout=30s")


def test_who_am_i(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "delete", "pods").stdout == "yes\n"
    assert "system:masters" in kubectl("auth", "whoami").stdout
    kubectl("auth", "can-i", "--list")


def test_kinds_are_listed(kubectl: Kubectl) -> None:
    told = kubectl("api-resources", "-o", "name").stdout.split()
    assert "deployments.apps" in told
    assert "apps/v1" in kubectl("api-versions").stdout.split()


def test_drain_evicts(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text='{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}')
    kubectl("cordon", "n")
    assert "SchedulingDisabled" in kubectl("get", "node", "n").stdout
    kubectl("uncordon", "n")


def test_events_are_printed(kubectl: Kubectl) -> None:
    kubectl("events")
    kubectl("get", "events", "--sort-by=.lastTimestamp")


def test_a_wrong_token_is_refused(kubectl: Kubectl) -> None:
    told = kubectl("--token=wrong", "get", "pods", code=1).stderr
    assert "must be logged in" in told or "Unauthorized" in told
