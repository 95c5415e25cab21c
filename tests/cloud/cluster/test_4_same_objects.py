"""The same file in solo: what controllers make of it there and here is equal, field by field.

What differs is listed, each with its reason; one that is listed and does not occur fails as one
does that occurs and is not listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import tests_cloud
from tests_cluster import Cluster

NUMBER = 46  # of solo's ranges: one machine cannot have a network twice
MADE = (
    *("deployments", "statefulsets", "daemonsets", "jobs", "services", "configmaps", "secrets"),
    *("persistentvolumeclaims", "poddisruptionbudgets", "networkpolicies"),
    *("mariadbs", "rabbitmqs", "memcacheds", "ovns", "databases", "vhosts", "hypervisors"),
    *("keystones", "glances", "placements", "novas", "neutrons", "cinders"),
)
DIFFERENCES = {
    r"[^.]+\.metadata\.(uid|resourceVersion|creationTimestamp|generation)": "each server's own",
    r"[^.]+\.metadata\.ownerReferences\[\]\.uid": "each server's own",
    r"jobs\..*controller-uid": "each server's own",
    r"secrets\.data\..*": "drawn at random",
    r"secrets\.metadata\.annotations\.ouranos\.cloud/rotated": "a time",
    r".*\.template\.metadata\.annotations\.ouranos\.cloud/(reads|credentials)": "of random Secrets",
    r"services\.spec\.(clusterIP|clusterIPs\[\])": "solo's Services have their node's address",
    r"services\.spec\.(ipFamilies\[\]|ipFamilyPolicy)": "solo knows IPv4 alone and does not say it",
    r"services\.spec\.ports\[\]\.nodePort": "solo's pods are at the node's ports already",
    r"networkpolicies\..*\.ipBlock\.cidr": "the nodes' addresses",
    r"persistentvolumeclaims\.spec\.volumeName": "each server's own",
    r"persistentvolumeclaims\.metadata\.annotations\..*": "notes of Kubernetes' own controllers",
    r"persistentvolumeclaims\.spec\.storageClassName": "admission names the default class",
    r"daemonsets\.metadata\.annotations\.deprecated\.daemonset\.template\.generation": (
        "a note of Kubernetes' own"
    ),
}


@pytest.fixture(scope="module")
def solo(running: Cluster) -> Generator[tests_cloud.Cloud]:
    """The same Cloud in solo, but for its ranges."""
    made = tests_cloud.cloud_named(running.name, NUMBER, running.folder)
    if made.folder.exists():
        made.destroy()
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def flat(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; the places in a list are kept apart by what is in them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{where}.{key}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from flat(inner, f"{where}[]")
    else:
        yield where, json.dumps(value)


def same_words(text: str, changed: dict[str, str]) -> str:
    """Call things alike that are called differently; a content's digest follows the content."""
    for theirs, ours in changed.items():
        text = text.replace(theirs, ours)
    return re.sub(r"\b([a-z][a-z-]*)-[0-9a-f]{10}\b", r"\1-DIGEST", text)


def leaves(
    objects: list[dict[str, Any]], plural: str, changed: dict[str, str]
) -> dict[str, list[tuple[str, Any]]]:
    """The leaves of each object by its name; what the controllers only observe is left out."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for each in objects:
        if each["metadata"]["name"] == "kube-root-ca.crt":
            continue  # Kubernetes puts it into every namespace
        told = {key: value for key, value in each.items() if key != "status"}
        told["metadata"].pop("managedFields", None)
        # How often it was rolled out depends on what this cluster has gone through.
        told["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
        told = json.loads(same_words(json.dumps(told), changed))
        found[told["metadata"]["name"]] = sorted(flat(told, plural))
    return found


def differences(running: Cluster, solo: tests_cloud.Cloud) -> Iterator[tuple[str, str]]:
    """Paths that are not equal, with the object and what each side says."""
    here = {"node1": "NODE", str(running.place.public): "PUBLIC"}
    for name in ("ovn-nb", "ovn-sb"):
        here[running.object("services", name)["spec"]["clusterIP"]] = name
    there = {
        f"{solo.name}-1": "NODE",
        f"172.24.{NUMBER}.0/24": "PUBLIC",
        f"172.31.{NUMBER}.0/24": "172.31.0.0/24",
    }
    public = str(running.place.public[1])
    here[public], there[f"172.24.{NUMBER}.1"] = "GATEWAY", "GATEWAY"
    there |= {f"tcp:{solo.node}:6641": "tcp:ovn-nb:6641"}
    there |= {f"tcp:{solo.node}:6642": "tcp:ovn-sb:6642"}
    for plural in MADE:
        ours = leaves(running.objects(plural), plural, here)
        theirs = leaves(solo.objects(plural), plural, there)
        for name in sorted(ours.keys() ^ theirs.keys()):
            yield f"{plural}.{name}", "only in one of both worlds"
        for name in ours.keys() & theirs.keys():
            for path, value in set(ours[name]) ^ set(theirs[name]):
                yield path, f"{plural}/{name}: {value}"


def test_the_same_file_makes_the_same_objects(running: Cluster, solo: tests_cloud.Cloud) -> None:
    running.wait_settled()
    seen: set[str] = set()
    unlisted: list[str] = []
    for path, told in differences(running, solo):
        listed = [one for one in DIFFERENCES if re.fullmatch(one, path)]
        seen |= set(listed)
        if not listed:
            unlisted.append(f"{path}: {told}")
    assert not unlisted, "\n".join(sorted(unlisted))
    assert seen == set(DIFFERENCES), "a listed difference does not occur"
