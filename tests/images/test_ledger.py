import asyncio
import json
from pathlib import Path

import pytest

from ouranos.images import ledger, processes, tree
from ouranos.images.processes import Patience

BRIEF = Patience(step=0.3)


def layer(store: ledger.Ledger, key: str, below: list[str] | None = None) -> None:
    making = store.new_scratch("layer")
    (tree.directory(making, "tree") / "file").write_text(key)
    store.publish(key, making, {"name": "layer", "below": below or []})


async def test_a_layer_is_there_once_it_is_published(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    assert not store.has("one")
    async with store.writing(BRIEF):
        layer(store, "one", ["zero"])
    assert store.has("one")
    assert store.below("one") == ["zero"]
    assert (store.tree("one") / "file").read_text() == "one"


async def test_a_layer_of_an_earlier_boot_counts_only_if_it_was_flushed(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        layer(store, "one")
        layer(store, "two")
    for key in ("one", "two"):
        record = tmp_path / "layers" / key / "layer.json"
        content = json.loads(record.read_text())
        record.write_text(json.dumps({**content, "boot": "an earlier one"}))
    (tmp_path / "layers/two/flushed").touch()
    assert not store.has("one")
    assert store.has("two")


async def test_flushing_makes_layers_last(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        layer(store, "one")
    await store.flush(Patience())
    assert (tmp_path / "layers/one/flushed").exists()


async def test_a_layer_that_no_longer_counts_is_replaced(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        layer(store, "one")
        (tmp_path / "layers/one/layer.json").write_text("")
        assert not store.has("one")
        layer(store, "one")
    assert store.has("one")


async def test_a_definition_leads_to_the_layer_that_was_made_from_it_last(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        assert store.defined("words") is None
        store.define("words", "one")
        store.define("words", "two")
    assert store.defined("words") == "two"


async def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        (store.new_scratch("layer") / "half").write_text("half")
    async with ledger.Ledger(tmp_path).writing(BRIEF):
        assert list((tmp_path / "scratch").iterdir()) == []


async def test_the_second_writer_says_who_holds_the_store(tmp_path: Path) -> None:
    async with ledger.Ledger(tmp_path).writing(BRIEF):
        with pytest.raises(processes.Failed, match=r"process \d+ has been filling"):
            async with ledger.Ledger(tmp_path).writing(BRIEF):
                pass


async def test_the_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    async def second() -> None:
        async with ledger.Ledger(tmp_path).writing(Patience(step=4)):
            order.append("second")

    async with ledger.Ledger(tmp_path).writing(BRIEF):
        task = asyncio.create_task(second())
        await asyncio.sleep(0.05)
        order.append("first")
    await task
    assert order == ["first", "second"]


async def test_scratch_names_do_not_meet(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(BRIEF):
        assert store.new_scratch("x") != store.new_scratch("x")
