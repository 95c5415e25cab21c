"""Is each example a file that works, and is it in the list?"""

from pathlib import Path

import pytest

from ouranos import releases, services
from ouranos.api import checks, load

EXAMPLES = Path(__file__).parents[2] / "examples"
KNOWN = services.KNOWN.kinds
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_describes_one_cloud(path: Path) -> None:
    (cloud,) = load.load(path, known=KNOWN, releases=releases.names())
    assert cloud["kind"] == "Cloud"
    assert checks.problems(cloud, KNOWN) == ()
    assert f"ouranos up examples/{path.name}" in path.read_text("utf-8")


def test_every_example_is_in_the_list() -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"`{path.name}`" in text for path in FILES)


def test_the_first_example_is_a_whole_cloud_with_an_awkward_region() -> None:
    (cloud,) = load.load(EXAMPLES / "solo.yaml", known=KNOWN, releases=releases.names())
    assert cloud["spec"]["region"] == "Düdingen Test"
    assert set(cloud["spec"]["services"]) == {
        "keystone",
        "glance",
        "placement",
        "neutron",
        "nova",
        "cinder",
    }


def test_two_clouds_side_by_side_share_no_address() -> None:
    both = [EXAMPLES / name for name in ("solo.yaml", "second-cloud.yaml", "identity-only.yaml")]
    seen: set[str] = set()
    for path in both:
        (cloud,) = load.load(path, known=KNOWN, releases=releases.names())
        network = checks.parse(cloud, KNOWN).as_object()["spec"]["network"]
        networks = {network["management"], network["public"]}
        assert not networks & seen
        seen |= networks
