"""Deleted behind our back, refused files, `down` and `up`, and nothing left in the end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests_cloud import FILE, Cloud, eventually


def test_a_deleted_deployment_is_made_again(running: Cloud) -> None:
    uid = running.objects("deployments")[0]["metadata"]["uid"]
    running.kubectl("delete", "deployment", "glance-api", "-n", running.name)
    eventually(
        lambda: any(
            each["metadata"]["name"] == "glance-api" for each in running.objects("deployments")
        ),
        60,
        "the Deployment made again",
    )
    assert uid
    running.wait_ready()


def test_a_deleted_endpoint_is_made_again(running: Cloud) -> None:
    def endpoints() -> list[dict[str, Any]]:
        words = ("openstack", "endpoint", "list", "--service", "image", "-f", "json")
        return json.loads(running.run(*words).stdout)

    before = endpoints()
    running.run("openstack", "endpoint", "delete", before[0]["ID"])
    running.kubectl("annotate", "glance", "glance", "-n", running.name, "--overwrite", "look=again")
    eventually(lambda: len(endpoints()) == len(before), 120, "the endpoint made again")


def test_a_new_option_restarts_only_the_pods_that_read_it(running: Cloud, tmp_path: Path) -> None:
    def pods() -> dict[str, str]:
        return {
            pod["metadata"]["uid"]: pod["metadata"]["labels"].get("app.kubernetes.io/name", "")
            for pod in running.objects("pods")
            if pod["status"].get("phase") == "Running"
        }

    before = pods()
    text = running.file.read_text(encoding="utf-8")
    changed = tmp_path / "changed.yaml"
    changed.write_text(
        text.replace(
            "placement: {}",
            "placement: {config: {placement: {randomize_allocation_candidates: true}}}",
        ),
        encoding="utf-8",
    )
    running.run("up", str(changed))
    after = eventually(lambda: pods() if set(pods()) != set(before) else None, 60, "a new pod")
    assert {before[uid] for uid in set(before) - set(after)} == {"placement"}
    running.up()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("release:", "releaze:"), r"cloud\.yaml:5:\d+.*releaze"),
        (("region: Düdingen Test", "region: Elsewhere"), r"region"),
        (("nova: {}", "nvoa: {}"), r"nova"),
        (("placement: {}, ", ""), r"placement"),
        (("172.31.9.0/24", "172.31.8.0/24"), r"management"),
    ],
    ids=[
        "unknown field",
        "immutable region",
        "unknown service",
        "missing need",
        "immutable network",
    ],
)
def test_a_wrong_file_changes_nothing(
    running: Cloud, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    before = running.objects("clouds")[0]
    file = tmp_path / "cloud.yaml"
    file.write_text(running.file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    done = running.run("up", str(file), check=False)
    assert done.returncode == 1
    assert re.search(said, done.stderr), done.stderr
    assert "hint" in done.stderr
    assert "Traceback" not in done.stderr
    after = running.objects("clouds")[0]
    assert after["spec"] == before["spec"]


def test_kubectl_is_refused_with_the_same_words(running: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    text = FILE.format(name=running.name, number=9).replace("Düdingen Test", "Elsewhere")
    file.write_text(
        text.replace("{name: story}", "{name: story, namespace: story}"), encoding="utf-8"
    )
    ours = running.run("up", str(file), check=False).stderr
    with pytest.raises(AssertionError) as refused:
        running.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
    message = next(line for line in str(refused.value).splitlines() if "region" in line)
    rule = message.partition("Invalid value")[2].partition(": ")[2].partition(";")[0]
    assert rule
    assert rule.split("cannot")[0].strip()[-20:] in ours


def test_down_keeps_the_data_and_up_brings_it_back(running: Cloud, guest: Any) -> None:
    running.run("down")
    assert running.run("status", check=False).returncode == 1
    running.up()
    server = eventually(
        lambda: guest.run.tenant.compute.get_server(guest.server), 120, "the server known again"
    )
    if server.status != "ACTIVE":
        guest.run.tenant.compute.start_server(guest.server)
    guest.wait_answers()
