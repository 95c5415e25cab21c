"""Is what each page makes still what was reviewed? `make golden` writes it anew.

A case is a folder `tests/golden/<service>/<case>/`: `input.yaml` is the spec of the service's
object and the services that the cloud has; `output/` holds every file and object that follow.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ouranos import services
from ouranos.kit import objects, scheduling
from ouranos.openstack import environment
from ouranos.services import claims, files, manifests, page, pods, policies, registry

GOLDEN = Path(__file__).parents[1] / "golden"
WRITES = os.environ.get("OURANOS_GOLDEN") == "write"
PAGES = services.KNOWN.services
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/input.yaml") if path.parts[-3] in PAGES)


class Plain(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def scope_of(given: dict[str, Any]) -> page.Scope:
    spec = given["spec"]
    return page.Scope(
        namespace="home",
        release="2026.2",
        region=spec["region"],
        replicas=spec.get("replicas", 1),
        spec=spec,
        present=frozenset(given.get("present", [])),
        northbound="tcp:172.31.0.2:6641",
        southbound="tcp:172.31.0.2:6642",
    )


def output(service: page.Service, scope: page.Scope) -> dict[str, str]:
    rendered = files.rendered(service, scope)
    config = files.config_map(service, scope, rendered)
    places = {one.claim: environment.Address("mariadb", 3306) for one in service.databases}
    facts = pods.Facts(
        config=config["metadata"]["name"] if config else "",
        paths=tuple(rendered),
        databases=places,
        queue=environment.Address("rabbitmq", 5672),
        checksum=lambda names: f"of {' '.join(names)}",
    )
    made: list[objects.Object] = [
        *(claims.database_claim(service, scope, one) for one in service.databases),
        *([claims.vhost_claim(service, scope)] if service.queue else []),
        *([manifests.schema_job(service, scope, facts, service.schema)] if service.schema else []),
        *manifests.services(service, scope),
        *manifests.storage(service, scope),
        *manifests.budgets(service, scope),
        *manifests.workloads(service, scope, facts),
    ]
    texts = {f"files{path}": text for path, text in rendered.items()}
    for one in made:
        name = f"{one['kind'].lower()}-{one['metadata']['name']}"
        texts[f"objects/{name}.yaml"] = yaml.dump(one, Dumper=Plain, allow_unicode=True)
    return texts


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[-2:]))
def test_golden(case: Path) -> None:
    given = yaml.safe_load((case / "input.yaml").read_text(encoding="utf-8"))
    made = output(PAGES[case.parts[-2]], scope_of(given))
    folder = case / "output"
    if WRITES:
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    kept = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert made == kept


def test_the_policies_of_a_whole_cloud() -> None:
    backing: dict[str, Any] = {name: {"builtin": {}} for name in registry.BACKING}
    spec = {"services": {name: {} for name in PAGES}, "backing": backing}
    cloud = {"metadata": {"name": "home", "namespace": "home"}, "spec": spec}
    node = {
        "metadata": {"name": "n1", "labels": {scheduling.HYPERVISOR_OF: "home"}},
        "spec": {"podCIDRs": ["10.244.1.0/24"]},
        "status": {"addresses": [{"type": "InternalIP", "address": "172.30.0.11"}]},
    }
    made = policies.policies(policies.of(services.KNOWN, cloud, [node], policies.SYSTEM))
    text = yaml.dump_all(made, Dumper=Plain, allow_unicode=True)
    file = GOLDEN / "policies.yaml"
    if WRITES:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_page_has_a_golden_case() -> None:
    assert {case.parts[-2] for case in CASES} == set(PAGES)
