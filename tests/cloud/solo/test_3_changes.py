"""Options, rules and keys that change, files that are refused, `down` and `up`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import fernet
from openstack import exceptions
from tests_cloud import Cloud, described, eventually

from ouranos.verify import tenant


def test_new_options_and_rules_restart_only_the_pods_that_read_them(
    running: Cloud, guest: Any, tmp_path: Path
) -> None:
    def pods() -> dict[str, str]:
        return {
            pod["metadata"]["uid"]: pod["metadata"]["labels"].get("app.kubernetes.io/name", "")
            for pod in running.objects("pods")
            if pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        }

    def may_upload() -> bool:
        """Whether Glance lets an ordinary user make an image."""
        try:
            image = guest.run.tenant.image.create_image("allowed", allow_duplicates=True)
        except exceptions.ForbiddenException:
            return False
        guest.run.tenant.image.delete_image(image)
        return True

    assert may_upload()
    before = pods()
    text = running.file.read_text(encoding="utf-8")
    for service, override in (
        ("placement", "config: {placement: {randomize_allocation_candidates: true}}"),
        ("glance", "policy: {add_image: role:admin}"),
    ):
        text = text.replace(f"{service}: {{}}", f"{service}: {{{override}}}")
    changed = tmp_path / "changed.yaml"
    changed.write_text(text, encoding="utf-8")
    running.run("up", str(changed))
    # `up` returns when the new pods serve; the old ones answer until they have ended.
    running.wait_settled()
    after = pods()
    assert {before[uid] for uid in set(before) - set(after)} == {"placement", "glance"}
    option = running.inside("placement-api", "api", "cat", "/etc/placement/placement.conf")
    assert "randomize_allocation_candidates = true" in option.lower()
    assert not may_upload()
    running.up()
    running.wait_settled()
    assert may_upload()


def test_keys_are_rotated_without_an_outage(running: Cloud) -> None:
    """A token that was made before is good afterwards, and no process had to start again."""

    def keys() -> set[str]:
        """The key files that Keystone's process sees."""
        folder = "/var/lib/keystone/fernet-keys"
        return set(running.inside("keystone-api", "api", "ls", folder).split())

    def login() -> Any:
        made = tenant.connect_admin(str(running.paths.clouds_yaml), running.name)
        made.authorize()
        return made

    old, containers = login(), running.containers("keystone-api")
    assert keys() == {"0", "1"}
    before = running.secret("keystone-fernet-1")
    long_ago = "ouranos.cloud/rotated=2020-01-01T00:00:00Z"
    words = ("annotate", "--overwrite", "secret", "keystone-fernet-1", long_ago)
    running.kubectl(*words, "-n", running.name)
    eventually(
        lambda: keys() == {"0", "1", "2"}, 180, lambda: f"new keys with Keystone: {running.told()}"
    )
    after = running.secret("keystone-fernet-1")
    assert after["1"] == before["1"], "what made the tokens still reads them"
    assert after["2"] == before["0"], "the key that was next is in use"
    assert after["0"] not in before.values()
    new = login()
    token: str = new.auth_token
    fernet.Fernet(after["2"]).decrypt(token + "=" * (-len(token) % 4))
    for asker, asked in ((old, new), (new, old)):
        answer = asker.identity.get("/auth/tokens", headers={"X-Subject-Token": asked.auth_token})
        assert answer.status_code == 200
    assert running.containers("keystone-api") == containers


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("release:", "releaze:"), r"cloud\.yaml:5:\d+.*releaze"),
        (("region: Düdingen Test", "region: Elsewhere"), r"region"),
        (("nova: {}", "nvoa: {}"), r"nova"),
        (("placement: {}, ", ""), r"placement"),
        (("management: 172.31.", "management: 172.30."), r"management"),
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
    text = described(running.name, running.number).replace("Düdingen Test", "Elsewhere")
    file.write_text(
        text.replace(
            f"{{name: {running.name}}}", f"{{name: {running.name}, namespace: {running.name}}}"
        ),
        encoding="utf-8",
    )
    ours = running.run("up", str(file), check=False).stderr
    with pytest.raises(AssertionError) as refused:
        running.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
    message = next(line for line in str(refused.value).splitlines() if "region" in line)
    rule = message.partition("Invalid value")[2].partition(": ")[2].partition(";")[0]
    assert rule
    assert rule.split("cannot")[0].strip()[-20:] in ours


def test_down_keeps_the_data_and_up_brings_it_back(
    running: Cloud, guest: Any, foreign: Any
) -> None:
    running.run("down")
    foreign.untouched()
    assert running.run("status", check=False).returncode == 1
    running.up()
    server = eventually(
        lambda: guest.run.tenant.compute.get_server(guest.server), 120, "the server known again"
    )
    if server.status != "ACTIVE":
        guest.run.tenant.compute.start_server(guest.server)
    guest.wait_answers()
    foreign.untouched(running)
