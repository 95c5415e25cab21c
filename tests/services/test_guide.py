"""Is the guide's seventh service one by its page alone, in the sources and in a cloud?"""

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from ouranos import services
from ouranos.api import errors, load
from ouranos.kit import conditions, kinds, objects
from ouranos.services import files, manifests, page, pods, registry

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/guides/add-a-service.md").read_text(encoding="utf-8")
WRITTEN = dict[str, str](re.findall(r"\n`([^`\n]+)`:\n\n```\w+\n(.*?)```", TEXT, re.DOTALL))
"""The files that the guide lets one write, by their paths."""
PAGE = "src/ouranos/services/barbican.py"
PROGRAMS = f"{Path(sys.executable).parent}/"
YAML: list[str] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
CLOUD, ALONE = (text for text in YAML if "kind:" in text)


def known_with_the_page() -> registry.Registry:
    module = types.ModuleType("barbican_of_the_guide")
    exec(compile(WRITTEN[PAGE], PAGE, "exec"), vars(module))
    others = (one for one in services.KNOWN.pages if one.name != module.SERVICE.name)
    return registry.of([*others, module.SERVICE])


KNOWN = known_with_the_page()
BARBICAN = KNOWN.services["barbican"]


def files_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder that are not there for tools alone."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kept = (path for path in found if not any(part[0] in "._" for part in path.parts[:-1]))
    return {str(path): (folder / path).read_bytes() for path in kept}


def run(folder: Path, *command: str) -> None:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PY")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=usual | {"PYTHONPATH": str(folder / "src")},  # bytecode stays: there are six runs
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def make_golden(folder: Path) -> None:
    run(folder, "make", "--old-file=.venv/develop", "golden", f"RUN={PROGRAMS}")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The sources elsewhere, without what the guide lets one write."""
    for name in (
        "src",
        "tests",
        "deploy",
        "docs",
        "scripts",
        "pyproject.toml",
        "uv.lock",
        "Makefile",
    ):
        source = ROOT / name
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "cloud")
            shutil.copytree(source, tmp_path / name, ignore=skipped)
        else:
            shutil.copy(source, tmp_path / name)
    if (tmp_path / PAGE).exists():  # somebody has followed the guide
        (tmp_path / PAGE).unlink()
        shutil.rmtree(tmp_path / "tests/golden/barbican", ignore_errors=True)
        make_golden(tmp_path)
    run(tmp_path, f"{PROGRAMS}python", "scripts/generate_reference.py")  # whatever else is stale
    return tmp_path


@pytest.mark.timeout(300)
def test_nothing_else_is_written_by_hand(copied: Path) -> None:
    before = files_of(copied)
    for path, text in WRITTEN.items():
        (copied / path).parent.mkdir(parents=True, exist_ok=True)
        (copied / path).write_text(text, encoding="utf-8")
    # What `make lock` adds, which asks a registry.
    with (copied / "src/ouranos/releases/2026.2/packages.lock").open("a") as lock:
        lock.writelines(f"{one} \\\n    --hash=sha256:0\n" for one in BARBICAN.releases["2026.2"])
    make_golden(copied)
    after = files_of(copied)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {path for path in changed if not path.startswith("tests/golden/barbican/")} == {
        PAGE,
        "src/ouranos/releases/2026.2/packages.lock",
        "deploy/crds/barbicans.ouranos.cloud.yaml",
        "deploy/crds/clouds.ouranos.cloud.yaml",
        "deploy/crds/kustomization.yaml",
        "deploy/controllers/access.yaml",
        "deploy/controllers/people.yaml",
        "docs/reference/kinds.md",
        "tests/golden/policies.yaml",
    }
    suites = ("services/test_registry.py", "api/test_crds.py", "install/test_deploy.py", "releases")
    run(copied, f"{PROGRAMS}pytest", "-q", *(f"tests/{one}" for one in suites))


def refused(text: str, tmp_path: Path) -> list[tuple[str, str]]:
    """Messages and hints of what is wrong with a file."""
    file = tmp_path / "cloud.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(errors.InputError) as caught:
        load.load(file, known=KNOWN.kinds, releases=("2026.2",))
    return [(one.message, one.hint) for one in caught.value.mistakes]


def test_a_file_that_names_the_service_is_checked_as_any_other(tmp_path: Path) -> None:
    assert refused(CLOUD.replace("barbican", "babrican"), tmp_path) == [
        (
            "spec.services.babrican: is not a service that Ouranos knows",
            'did you mean "barbican"?',
        )
    ]
    ((message, hint),) = refused(CLOUD.replace("keystone: {}, ", ""), tmp_path)
    assert message.endswith("Barbican needs Keystone, which this cloud does not have")
    assert hint == "add keystone: {} to spec.services, or remove barbican"
    ((message, hint),) = refused(CLOUD.replace("barbican: {}", "barbican: {replica: 2}"), tmp_path)
    assert message.startswith("spec.services.barbican.replica: is not a field")
    assert hint == 'did you mean "replicas"?'


@pytest.mark.virtual_time
async def test_a_cloud_with_the_service_becomes_ready(house: Any, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(CLOUD, encoding="utf-8")
    (wanted,) = load.load(file, known=KNOWN.kinds, releases=("2026.2",))
    async with house(known=KNOWN, cloud=wanted) as world:

        async def awaited() -> str:
            status = (await world.twin.get(kinds.CLOUD, "home")).get("status", {})
            return str(status.get("awaited", {}).get("kind", ""))

        async def waits_for_it() -> bool:
            return await awaited() == "Barbican"

        async def ready() -> bool:
            return conditions.is_current(await world.twin.get(kinds.CLOUD, "home"), "Ready")

        await world.twin.until(waits_for_it, 300)
        await world.twin.until(ready, 300)
        cloud = await world.twin.get(kinds.CLOUD, "home")
        assert conditions.is_true(cloud, "BarbicanReady")
        assert cloud["status"]["endpoints"]["barbican"] == "http://172.31.0.11:9311"
        assert world.cloud.named("users", "barbican")
        kek = await world.secret("barbican-kek-1")
        assert kek["kek.conf"].split() == ["[simple_crypto_plugin]", "kek", "=", kek["secret"]]
        made = await world.twin.all(kinds.POD, "app.kubernetes.io/name=barbican")
        assert {objects.labels_of(pod)["app.kubernetes.io/component"] for pod in made} >= {"api"}
        patch = {"spec": {"services": {"barbican": None}}}
        await world.cluster.patch(kinds.CLOUD, "home", "home", patch)

        async def gone() -> bool:
            return await world.cluster.get(BARBICAN.kind, "barbican", "home") is None

        await world.twin.until(gone, 60)


@pytest.mark.virtual_time
async def test_an_object_of_the_service_alone_becomes_ready(house: Any) -> None:
    async with house(services.KNOWN.services["keystone"], known=KNOWN) as world:
        await world.cluster.apply(yaml.safe_load(ALONE))

        async def ready() -> bool:
            return conditions.is_current(await world.twin.get(BARBICAN.kind, "barbican"), "Ready")

        await world.twin.until(ready, 120)


def test_the_service_keeps_its_key_out_of_its_files() -> None:
    scope = page.Scope("home", "2026.2", "Düdingen Test")
    (made,) = manifests.workloads(BARBICAN, scope, pods.Facts(config="c"))
    spec = made["spec"]["template"]["spec"]
    secret = {"secretName": "barbican-kek-1", "defaultMode": 0o440}
    (volume,) = (one["name"] for one in spec["volumes"] if one.get("secret") == secret)
    mounts = {one["name"]: one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}
    assert mounts[volume] == "/etc/barbican.conf.d"
    assert not any(
        name.startswith("/etc/barbican.conf.d") for name in files.rendered(BARBICAN, scope)
    )
