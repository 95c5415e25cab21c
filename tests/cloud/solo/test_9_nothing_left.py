"""`down --destroy` leaves no process, mount, namespace, link, route, rule, cgroup or file."""

from __future__ import annotations

from typing import Any

from tests_cloud import Cloud, left_of


def test_destroy_leaves_nothing_and_takes_nothing_else(cloud: Cloud, foreign: Any) -> None:
    cloud.destroy()
    assert left_of(cloud) == []
    foreign.untouched()
