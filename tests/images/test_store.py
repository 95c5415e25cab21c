"""Do layers come to be on the disk, whoever made them and however he ended?"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ouranos import releases
from ouranos.images import apt, building, catalog, ledger, store, tree
from ouranos.images.processes import Patience

IMAGE = catalog.ALL["node"]
RELEASE = releases.find("2026.2")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_FLUSH_AFTER", 0)


async def made_by_another(root: Path) -> ledger.Ledger:
    """All layers of an image, published by a process that has died since."""
    held = ledger.Ledger(root)
    async with held.writing(Patience()):
        for number, layer in enumerate(IMAGE.layers):
            making = held.new_scratch(layer.name)
            tree.directory(making, "tree")
            earlier = enumerate(IMAGE.layers[:number])
            below = [f"k{place}" for place, one in earlier if one in layer.below()]
            held.publish(f"k{number}", making, {"below": below, "packages": []})
            held.define(building.definition_digest(layer, RELEASE), f"k{number}")
    return held


async def until(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await asyncio.to_thread(look):
                return
            await asyncio.sleep(0.01)


async def test_what_another_has_made_and_not_flushed_is_flushed(tmp_path: Path) -> None:
    held = await made_by_another(tmp_path)
    images = store.ImageStore(tmp_path)
    await images.ensure(catalog.reference("node", RELEASE.name))
    await until(lambda: not held.unflushed())
    await images.close()


async def test_images_of_one_build_stand_on_one_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = "13.0"

    class Chosen:
        def closure(self, names: Iterable[str], _: Any) -> list[apt.Package]:
            return [apt.Package(name, version, "", 1, f"{name}{version}") for name in sorted(names)]

    async def nothing(*_: Any) -> None: ...

    async def chosen(*_: Any) -> Chosen:
        return Chosen()

    async def build(*names: str) -> list[tuple[str, Path]]:
        images = store.ImageStore(tmp_path, archive=apt.Archive())
        found = await images.ensure_all([catalog.reference(name, RELEASE.name) for name in names])
        await images.close()
        return [(image.digest, image.layers[0]) for image in found.values()]

    monkeypatch.setattr(apt.Apt, "update", nothing)
    monkeypatch.setattr(apt.Apt, "resolve", chosen)
    monkeypatch.setattr(building.Building, "_fill", nothing)
    await build("memcached")
    version = "13.1"
    both = await build("memcached", "rabbitmq")
    assert len({base for _, base in both}) == 1
    assert await build("memcached", "rabbitmq") == both


async def test_closing_flushes_what_another_has_made(tmp_path: Path) -> None:
    held = await made_by_another(tmp_path)
    assert held.unflushed()
    await store.ImageStore(tmp_path).close()
    assert not held.unflushed()


async def test_a_layer_that_comes_during_a_flush_is_flushed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await made_by_another(tmp_path)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def sync(*_: Any) -> bytes:
        begun.set()
        await go_on.wait()
        return b""

    monkeypatch.setattr(ledger.processes, "run", sync)
    images = store.ImageStore(tmp_path)
    await images.ensure(catalog.reference("node", RELEASE.name))
    await begun.wait()
    making = held.new_scratch("late")
    tree.directory(making, "tree")
    held.publish("late", making, {})
    go_on.set()
    await until(lambda: not held.unflushed())
    await images.close()
