import re

import pytest

from ouranos import releases, services
from ouranos.kit import conditions, errors


def test_a_release_is_found_by_its_name() -> None:
    release = releases.find("2026.2")
    assert release.name == "2026.2"
    assert release.facts.debian == "trixie"


def test_an_unknown_release_names_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(
        errors.Terminal, match=r"known: .*2026\.2.*did you mean 2026\.2\?"
    ) as caught:
        releases.find("2026.3")
    assert caught.value.reason is conditions.Reason.INVALID_SPEC


@pytest.mark.parametrize("name", ["", "../2026.2", "2026.2/..", "."])
def test_a_path_is_no_release(name: str) -> None:
    with pytest.raises(errors.Terminal, match="is unknown"):
        releases.find(name)


@pytest.mark.parametrize("name", releases.names())
def test_the_lock_holds_what_the_pages_ask_for_and_a_hash_for_every_package(name: str) -> None:
    release = releases.find(name)
    blocks = re.split(r"\n(?=[a-z0-9])", release.lock)
    locked = dict(
        match.groups()
        for block in blocks
        if (match := re.match(r"([a-z0-9.-]+)==([^ ]+) \\", block)) is not None
    )
    for package in services.packages(name):
        distribution, _, version = package.partition("==")
        assert locked[distribution] == version, f"run `make lock RELEASE={name}`"
    unhashed = [block for block in blocks if "==" in block and "--hash=sha256:" not in block]
    assert unhashed == []


@pytest.mark.parametrize("name", releases.names())
def test_the_order_of_upgrades_begins_with_keystone_and_names_services_only(name: str) -> None:
    order = releases.find(name).facts.upgrade_order
    assert order[0] == "keystone"
    assert set(order) <= set(services.KNOWN.services)
