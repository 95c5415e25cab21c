"""Is the embedded API Kubernetes? Every law, and random calls, on both servers in one run."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import hypothesis
import laws_differences
import laws_own
import laws_sequences
import laws_sides
import pytest
from laws_differences import Difference
from laws_kinds import KINDS, Kind
from laws_sequences import Step

ROOT = Path(__file__).parents[3]
LAWS = ROOT / "tests" / "laws"
OPTIONS = "addopts=-ra --import-mode=importlib --timeout=120 --tb=short"
FEWEST = 150
EXAMPLES = {"gadgets": 60}
SEEDS = (1, 2)
LONG = 150
# What Go makes of an incomplete status is not compared at length: the schema does not say it.
FEW = {"pods"}
LONG_LIVED = [kind for kind in (*KINDS, *laws_own.KINDS) if kind.plural not in FEW]
OTHERS = 30
COMPARED = (*KINDS, *laws_own.KINDS)
SERVERS = {"embedded", "kube-apiserver"}


def test_every_law_holds_on_both_servers(kubeconfig: Path, tmp_path: Path) -> None:
    report = tmp_path / "laws.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "2", "-W", "default", "-o", OPTIONS),
            *(f"--junitxml={report}", str(LAWS)),
        ],
        cwd=ROOT,
        env={**os.environ, "OURANOS_LAWS_KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    tried: dict[str, set[str]] = defaultdict(set)
    laws: set[str] = set()
    for case in ET.parse(report).getroot().iter("testcase"):
        name = case.attrib["name"]
        server = next((each for each in SERVERS if each in name), None)
        if server is None:
            continue
        assert not list(case.iter("skipped")), name
        place = f"{case.attrib['classname']} {name.replace(server, '')}"
        tried[server].add(place)
        laws.add(place.partition("[")[0])
    assert tried["embedded"] == tried["kube-apiserver"]
    assert len(laws) >= FEWEST


def same(sides: Any, kind: Kind, steps: list[Step], but: Difference | None = None) -> bool:
    ours = sides.run(laws_sides.played(sides.embedded, kind, steps, but=but))
    theirs = sides.run(laws_sides.played(sides.real, kind, steps, but=but))
    if but is None:
        assert ours == theirs
    return ours == theirs


@pytest.mark.parametrize("kind", COMPARED, ids=lambda kind: kind.plural)
def test_random_calls_are_answered_alike(sides: Any, kind: Kind) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES.get(kind.plural, OTHERS),
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(laws_sequences.sequences(kind))
    def compare(steps: list[Step]) -> None:
        assert same(sides, kind, steps)

    compare()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", LONG_LIVED, ids=lambda kind: kind.plural)
def test_a_long_life_of_few_objects_is_the_same(sides: Any, kind: Kind, seed: int) -> None:
    steps = laws_sequences.long(kind, seed, LONG)
    ours = sides.run(laws_sides.played(sides.embedded, kind, steps))
    theirs = sides.run(laws_sides.played(sides.real, kind, steps))
    pairs = enumerate(zip(ours, theirs, strict=False))
    different = (place for place, (our, their) in pairs if our != their)
    first = next(different, min(len(ours), len(theirs)))
    begin = max(0, first - 8)
    assert ours[begin : first + 1] == theirs[begin : first + 1]
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(
    "difference", laws_differences.DIFFERENCES, ids=lambda difference: difference.name
)
def test_every_accepted_difference_is_one(sides: Any, difference: Difference) -> None:
    kind = next(each for each in KINDS if each.plural == difference.plural)
    assert same(sides, kind, difference.witness)
    assert not same(sides, kind, difference.witness, difference), "remove it from the list"


@pytest.mark.parametrize("what", laws_differences.NOT_DONE)
def test_what_is_not_done_is_said_to_be_missing(sides: Any, what: str) -> None:
    path = laws_differences.NOT_DONE[what]
    assert sides.run(sides.real.get(path)).status_code == 200
    assert sides.run(sides.embedded.get(path)).status_code in {404, 501}
