from dataclasses import replace
from pathlib import Path

from ouranos import releases
from ouranos.images import building, catalog, ledger, tree
from ouranos.images.definition import Layer
from ouranos.images.processes import Patience

RELEASE = releases.find("2026.2")


def digests(release: releases.Release) -> dict[str, str]:
    return {
        layer.name: building.definition_digest(layer, release)
        for image in catalog.IMAGES.values()
        for layer in image.layers
    }


def changed(release: releases.Release) -> set[str]:
    return {name for name, digest in digests(release).items() if digests(RELEASE)[name] != digest}


def test_another_lock_is_another_environment_and_nothing_else() -> None:
    assert changed(replace(RELEASE, lock=RELEASE.lock + "# newer\n")) == {"environment"}


def test_another_debian_is_another_everything() -> None:
    facts = replace(RELEASE.facts, debian="forky")
    assert changed(replace(RELEASE, facts=facts)) == set(digests(RELEASE))


def test_what_is_below_a_layer_of_packages_is_part_of_its_name() -> None:
    lower = Layer("lower", packages=("one",))
    upper = Layer("upper", packages=("two",), over=(lower,))
    other = Layer("upper", packages=("two",), over=(replace(lower, absent=("three",)),))
    one, two = (building.definition_digest(layer, RELEASE) for layer in (upper, other))
    assert one != two


LOWER = Layer("lower", packages=("one",))
UPPER = Layer("upper", packages=("two",), over=(LOWER,))
PLAIN = Layer("plain", over=(UPPER,))


def known(store: ledger.Ledger) -> dict[str, str]:
    return building.recorded((LOWER, UPPER, PLAIN), RELEASE, store)


def put(store: ledger.Ledger, layer: Layer, key: str, below: list[str]) -> None:
    making = store.new_scratch(layer.name)
    tree.directory(making, "tree")
    store.publish(key, making, {"below": below})
    store.define(building.definition_digest(layer, RELEASE), key)


async def test_layers_that_fit_together_are_known_without_asking_anybody(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(Patience()):
        assert known(store) == {}
        put(store, LOWER, "lower-1", [])
        put(store, UPPER, "upper-1", ["lower-1"])
        assert known(store) == {"lower": "lower-1", "upper": "upper-1"}
        plain = building.definition_digest(PLAIN, RELEASE)
        put(store, PLAIN, plain, [])
        assert known(store) == {"lower": "lower-1", "upper": "upper-1", "plain": plain}


async def test_layers_that_are_wanted_together_are_known_once_no_packages_are_missing(
    tmp_path: Path,
) -> None:
    store, other = ledger.Ledger(tmp_path), Layer("other", packages=("three",), over=(LOWER,))
    together = (LOWER, UPPER, PLAIN, other)
    async with store.writing(Patience()):
        put(store, LOWER, "lower-1", [])
        put(store, UPPER, "upper-1", ["lower-1"])
        assert building.fitting(together, RELEASE, store) == {}
        put(store, other, "other-1", ["lower-1"])
        found = {"lower": "lower-1", "upper": "upper-1", "other": "other-1"}
        assert building.fitting(together, RELEASE, store) == found


async def test_a_layer_that_was_made_on_another_one_is_not_known(tmp_path: Path) -> None:
    store = ledger.Ledger(tmp_path)
    async with store.writing(Patience()):
        put(store, LOWER, "lower-1", [])
        put(store, UPPER, "upper-1", ["lower-1"])
        put(store, LOWER, "lower-2", [])
        assert known(store) == {"lower": "lower-2"}
