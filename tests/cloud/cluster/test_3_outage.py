"""The API server is away for two minutes: OpenStack and its guests do not notice."""

from __future__ import annotations

import time

import httpx2
import tests_guest
from tests_cluster import CONTROLLERS, Cluster

SECONDS = 120


def answers(url: str) -> bool:
    """Whether the API says anything but that it is in trouble; its root tells its versions."""
    try:
        return httpx2.get(url, timeout=30, trust_env=False).status_code < 500
    except httpx2.HTTPError:
        return False


def test_nobody_notices_that_the_api_server_is_away(
    running: Cluster, guest: tests_guest.Guest
) -> None:
    running.wait_settled()
    before, controllers = running.pods(), pods_of_controllers(running)
    endpoints = running.object("clouds", running.name)["status"]["endpoints"]
    assert len(endpoints) == 6
    silent: list[str] = []
    running.stop("kube-apiserver")
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            silent += [url for url in endpoints.values() if not answers(url)]
            if not guest.answers():
                silent.append(guest.address)
            time.sleep(2)
    finally:
        running.lab("up")
    assert not silent
    running.wait_settled()
    assert running.pods() == before, "no pod was restarted"
    assert pods_of_controllers(running) == controllers, "nor one of the controllers"
    guest.wait_answers()
    assert guest.boots() == 1


def pods_of_controllers(running: Cluster) -> dict[str, str]:
    return {
        each["metadata"]["name"]: each["metadata"]["uid"]
        for each in running.objects("pods", CONTROLLERS)
    }
