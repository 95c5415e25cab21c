"""Are pages found, put into an order, and refused where they do not fit together?"""

import dataclasses
from pathlib import Path

import pytest

from ouranos import services
from ouranos.kit import kinds
from ouranos.services import cinder, glance, keystone, neutron, nova, page, placement, registry

PAGES = {one.name: one for one in services.KNOWN.pages}


def test_every_module_with_a_service_is_a_page() -> None:
    folder = Path(services.__path__[0])
    written = {path.stem for path in folder.glob("*.py") if "\nSERVICE = " in path.read_text()}
    assert written == set(PAGES)
    assert {"keystone", "glance", "placement", "nova", "neutron", "cinder"} <= written


def test_each_service_comes_after_all_that_it_needs_or_uses() -> None:
    seen: set[str] = set()
    for one in services.KNOWN.pages:
        assert {*one.needs, *one.optional} <= seen
        seen.add(one.name)


def test_the_order_does_not_depend_on_who_comes_first() -> None:
    pages = (nova, cinder, placement, neutron, keystone, glance)
    names = ["keystone", "glance", "neutron", "placement", "cinder", "nova"]
    for turned in (pages, pages[::-1]):
        assert list(registry.of(one.SERVICE for one in turned).services) == names


def test_the_parts_of_a_cloud_are_what_services_stand_on_and_the_services() -> None:
    parts = registry.of([keystone.SERVICE]).parts
    assert list(parts) == ["mariadb", "rabbitmq", "memcached", "ovn", "keystone"]
    assert parts["ovn"] is kinds.OVN
    assert registry.stands_on(keystone.SERVICE) == ("mariadb", "memcached")
    assert registry.stands_on(neutron.SERVICE) == tuple(registry.BACKING)


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([keystone.SERVICE, keystone.SERVICE], "two pages have one name"),
        ([glance.SERVICE], "glance names keystone, which has no page"),
        (
            [keystone.SERVICE, dataclasses.replace(glance.SERVICE, optional=("heat",))],
            "glance names heat, which has no page",
        ),
        (
            [dataclasses.replace(keystone.SERVICE, needs=("glance",)), glance.SERVICE],
            "cycle",
        ),
        ([dataclasses.replace(keystone.SERVICE, name="identity")], "is not Keystone in lower case"),
    ],
)
def test_pages_that_do_not_fit_together_are_refused(
    pages: list[page.Service], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        registry.of(pages)
