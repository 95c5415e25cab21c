"""Does the guide's seventh service become ready, by its page alone?"""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ouranos import services
from ouranos.kit import kinds
from ouranos.services import keystone, manifests, page, pods

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "add-a-service.md"


def blocks(language: str) -> list[str]:
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def barbican(tmp_path: Path) -> page.Service:
    file = tmp_path / "barbican.py"
    file.write_text(blocks("python")[0], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("barbican_of_the_guide", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds.register(module.SERVICE.kind)
    return module.SERVICE


@pytest.mark.virtual_time
async def test_the_guides_service_becomes_ready(house: Any, barbican: page.Service) -> None:
    pages = (*services.PAGES, barbican)
    async with house(keystone.SERVICE, pages=pages) as world:
        await world.cluster.apply(yaml.safe_load(blocks("yaml")[1]))

        async def ready() -> bool:
            obj = await world.twin.get(barbican.kind, "barbican")
            said = obj.get("status", {}).get("conditions", [])
            return any(one["type"] == "Ready" and one["status"] == "True" for one in said)

        await world.twin.until(ready, 120)
        assert world.cloud.named("users", "barbican")
        assert (await world.secret("barbican-kek-1"))["secret"].endswith("=")


def test_the_guides_service_keeps_its_key_out_of_its_files(barbican: page.Service) -> None:
    scope = page.Scope("home", "2026.2", "Düdingen Test")
    (made,) = manifests.workloads(barbican, scope, pods.Facts(config="c"))
    variables = made["spec"]["template"]["spec"]["containers"][0]["env"]
    kek = next(one for one in variables if one["name"] == "OS_SIMPLE_CRYPTO_PLUGIN__KEK")
    assert kek["valueFrom"]["secretKeyRef"] == {"name": "barbican-kek-1", "key": "secret"}
