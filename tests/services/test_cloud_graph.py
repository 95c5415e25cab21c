"""Does the service graph say what the pages say?"""

import pytest

from ouranos import services
from ouranos.api import graph
from ouranos.services import page


@pytest.mark.parametrize("service", services.PAGES, ids=lambda service: service.name)
def test_the_graph_says_what_the_page_says(service: page.Service) -> None:
    told = graph.SERVICES[service.name]
    assert told.kind == service.kind.kind
    assert set(told.needs) == set(service.needs)
    assert set(told.optional) == set(service.optional)
    uses = {
        "mariadb": bool(service.databases),
        "rabbitmq": service.queue,
        "memcached": service.cache,
        "ovn": service.ovn,
    }
    assert set(told.backing) == {name for name, used in uses.items() if used}


def test_every_service_of_the_graph_has_a_page() -> None:
    assert {service.name for service in services.PAGES} == set(graph.SERVICES)
