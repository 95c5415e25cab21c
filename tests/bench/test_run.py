"""Does one measurement that fails leave the others standing?"""

from __future__ import annotations

from pathlib import Path

import yaml

from ouranos.bench import command, figures, place, run


def a_bench(folder: Path, said: list[str]) -> run.Bench:
    return run.Bench(folder, folder / "cloud.yaml", said.append)


def test_what_fails_is_written_into_its_rows(tmp_path: Path) -> None:
    said: list[str] = []
    bench = a_bench(tmp_path, said)

    def fails() -> None:
        raise command.FailedError("ouranos up failed:\nno memory")

    def succeeds() -> None:
        bench.table.measured["help"] = figures.Measured(50, 0.05)

    bench.part(("active", "answers"), fails)
    bench.part(("help",), succeeds)
    assert bench.table.missing["active"] == "ouranos up failed: no memory"
    assert bench.table.missing["answers"] == bench.table.missing["active"]
    assert bench.table.line("help") in said
    assert not any("`ouranos --help`" in text for text in bench.table.complaints())


def test_the_measured_cloud_has_a_name_and_ranges_of_its_own(tmp_path: Path) -> None:
    original = {
        "kind": "Cloud",
        "metadata": {"name": "home", "labels": {"a": "b"}},
        "spec": {"release": "2026.2", "network": {"mtu": 1400, "public": "172.24.4.0/24"}},
    }
    written = yaml.safe_load(run.bench_file(tmp_path, original).read_text())
    assert written["metadata"] == {"name": place.NAME}
    assert written["spec"]["network"] == {
        "mtu": 1400,
        "management": "172.31.250.0/24",
        "public": "172.24.250.0/24",
    }
    assert original["metadata"]["name"] == "home"


def test_a_cloud_that_is_not_there_has_no_processes_of_ours(tmp_path: Path) -> None:
    where = place.Place(tmp_path)
    assert where.ours() == set()
    assert where.container("vswitchd") is None
    assert where.cpu_of_ours().all == 0
