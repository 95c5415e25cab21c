"""Do the programs inside the images do their work in the right order, and end as they should?

They run as they do there, but for the packages, which only write down what is asked of them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ouranos_runtime import nova, process, schema

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "runtime" / "src"
URL = "mysql+pymysql://us%40er:pa%2Fss@mariadb:3306/"
SECTIONS = {
    "keystone": {"DATABASE": "keystone"},
    "glance": {"DATABASE": "glance"},
    "placement": {"PLACEMENT_DATABASE": "placement"},
    "neutron": {"DATABASE": "neutron"},
    "cinder": {"DATABASE": "cinder"},
    "nova": {"API_DATABASE": "nova_api", "DATABASE": "nova"},
}
MIGRATES = {
    "keystone": ["keystone.cmd.cli.main", "keystone.cmd.bootstrap.Bootstrapper().bootstrap"],
    "glance": ["glance.cmd.manage.main"],
    "placement": ["placement.db.sqlalchemy.migration.upgrade"],
    "neutron": ["neutron.db.migration.cli.main"],
    "cinder": ["cinder.db.migration.db_sync"],
    "nova": ["nova.db.migration.db_sync"] * 3,
}
Call = tuple[str, list[Any], list[str]]


class Ran:
    """What a program has done."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.said = done.stderr
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        self.calls: list[Call] = [tuple(json.loads(line)) for line in lines]
        self.text = done.stdout

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def given(self, name: str) -> list[Any]:
        return next(given for called, given, _ in self.calls if called == name)

    def argv(self, name: str) -> list[str]:
        return next(argv for called, _, argv in self.calls if called == name)

    @property
    def statements(self) -> list[str]:
        return [given[0] for name, given, _ in self.calls if name == "sql"]


def run(module: str, *words: str, env: dict[str, str] | None = None, **scenario: Any) -> Ran:
    urls = {
        f"OS_{section}__CONNECTION": f"{URL}{database}?charset=utf8mb4"
        for section, database in SECTIONS.get(module, {"DATABASE": "odd"}).items()
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    command = [sys.executable, HERE / "stand_in.py", json.dumps(scenario)]
    done = subprocess.run(
        [*command, f"ouranos_runtime.{module}", *words],
        capture_output=True,
        text=True,
        check=False,
        env={
            **inherited,
            **urls,
            "PYTHONPATH": str(SOURCE),
            "OURANOS_ADMIN_USERNAME": "admin",
            "OURANOS_ADMIN_PASSWORD": "secret",
            **(env or {}),
        },
    )
    return Ran(done)


@pytest.mark.parametrize("service", list(SECTIONS))
def test_an_empty_database_gets_its_schema_while_nobody_else_works_on_it(service: str) -> None:
    ran = run(service)
    assert (ran.code, ran.said) == (process.DONE, "")
    databases = [given[3] for name, given, _ in ran.calls if name == "connect"]
    extra = ["nova_cell0"] if service == "nova" else []
    assert databases == [*SECTIONS[service].values(), *extra]
    assert ran.given("connect")[:3] == ["us@er", "pa/ss", 3306]
    done = [name for name in ran.names if name in MIGRATES[service]]
    assert done == MIGRATES[service]
    first, last = ran.names.index(done[0]), len(ran.names) - ran.names[::-1].index(done[-1])
    before, after = ran.calls[:first], ran.calls[last:]
    for database in databases:
        assert ("sql", ["SELECT GET_LOCK(%s, 0)", f"ouranos:{database}"]) in [
            call[:2] for call in before
        ]
    marked = [call[1] for call in before if call[0] == "sql" and "CREATE TABLE" in call[1][0]]
    assert len(marked) == len(databases)
    cleared = [call[1] for call in after if call[0] == "sql" and "DROP TABLE" in call[1][0]]
    assert cleared == [[f"DROP TABLE IF EXISTS `{schema.MARKER}`"]] * len(databases)


@pytest.mark.parametrize("service", list(SECTIONS))
def test_a_database_that_does_not_answer_is_tried_again_later(service: str) -> None:
    ran = run(service, down=True)
    assert (ran.code, ran.calls) == (process.TRY_AGAIN, [])
    (line,) = ran.said.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(": nobody listens")
    assert "Traceback" not in ran.said
    assert "pa/ss" not in ran.said


def test_a_database_that_another_process_holds_is_tried_again_later() -> None:
    ran = run("glance", lock=0)
    assert ran.code == process.TRY_AGAIN
    assert "another process makes its schema" in ran.said
    assert "glance.cmd.manage.main" not in ran.names


def test_a_connection_lost_while_the_schema_is_made_leaves_the_marker() -> None:
    lost = {"glance.cmd.manage.main": "oslo_db.exception.DBConnectionError"}
    ran = run("glance", fails=lost)
    assert ran.code == process.TRY_AGAIN
    assert not [one for one in ran.statements if one.startswith("DROP")]
    assert ran.names[-1] == "close"


def test_any_other_failure_ends_with_its_traceback_and_a_line() -> None:
    ran = run("glance", fails={"glance.cmd.manage.main": "ValueError"})
    assert ran.code == process.FAILED
    assert ran.said.startswith("Traceback ")
    assert ran.said.splitlines()[-1] == ("error: Glance's database: ValueError: as the test wants")


def test_a_database_in_use_is_brought_up_to_date_and_nothing_is_dropped() -> None:
    ran = run("placement", tables=["allocations"])
    assert ran.code == process.DONE
    changed = [one for one in ran.statements if one.startswith(("CREATE", "DROP"))]
    assert changed == [f"DROP TABLE IF EXISTS `{schema.MARKER}`"]


def test_services_are_given_their_own_configuration() -> None:
    keystone = run("keystone")
    assert "--config-file', '/etc/keystone/keystone.conf', 'db_sync" in str(
        keystone.given("keystone.cmd.cli.main")
    )
    assert keystone.given("keystone.cmd.bootstrap.Bootstrapper().admin_password =") == ["secret"]
    words = ["glance-manage", "--config-file", "/etc/glance/glance-api.conf", "db_sync"]
    assert run("glance").argv("glance.cmd.manage.main") == words
    words = ["neutron-db-manage", "--config-file", "/etc/neutron/neutron.conf", "upgrade", "heads"]
    assert run("neutron").argv("neutron.db.migration.cli.main") == words


def test_both_cells_are_written_down_and_the_first_is_made_before_the_second() -> None:
    ran = run("nova")
    cell = "nova.objects.cell_mapping.CellMapping()"
    assert [given[0] for name, given, _ in ran.calls if name == f"{cell}.name ="] == [
        "cell0",
        "cell1",
    ]
    assert ran.names.count(f"{cell}.create") == 2
    again = run("nova", cells=[nova.CELL0, nova.CELL1])
    assert again.names.count("cell.save") == 2
    assert f"{cell}.create" not in again.names


def test_the_stages_of_nova_s_schema_stand_in_their_order() -> None:
    ran = run("nova")
    synced = [given for name, given, _ in ran.calls if name == "nova.db.migration.db_sync"]
    assert synced[0] == [None, "database=api"]
    assert synced[1] == [None, "context=<nova.context.target_cell()>"]
    assert synced[2] == [None]


def test_any_command_runs_on_a_database_that_nobody_else_works_on() -> None:
    ran = run("schema", "database", "--", "echo", "[]")
    assert ran.code == process.DONE
    assert "connect" in ran.text.partition("\n[]\n")[0]
    failed = run("schema", "database", "--", "false")
    assert failed.code == process.FAILED
    assert "error: The schema by false: CalledProcessError" in failed.said


def test_neutron_s_workers_run_in_one_process(tmp_path: Path) -> None:
    ran = run("neutron_workers", env={"TMPDIR": str(tmp_path)})
    assert ran.code == 0, ran.said
    maintenance = "neutron.service._get_ovn_maintenance_worker()"
    assert f"{maintenance}.start" in ran.names
    started = ran.given("oslo_service.service.launch")
    assert "_prepare_periodic_workers()[0]" in started[1]
    assert {"workers=1", "no_fork=True"} <= set(started)
    assert ran.names.index(f"{maintenance}.start") < ran.names.index("oslo_service.service.launch")
    assert ran.names[-1] == "waits"
    assert [one.name[:4] for one in tmp_path.iterdir()] == ["run-"]


def test_neutron_s_api_does_not_leave_the_ring_that_its_successor_is_in() -> None:
    ran = run("neutron_api")
    assert ran.code == 0, ran.said
    driver = "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver.OVNMechanismDriver"
    (kept,) = ran.given(f"{driver}._remove_node_from_hash_ring =")
    assert "function stay" in kept


def test_gunicorn_serves_an_application_that_sees_its_own_arguments(tmp_path: Path) -> None:
    words = ("a.b:application", "--name", "nova-api", "--port", "8774", "--", "--config-file", "x")
    ran = run("wsgi", *words, env={"TMPDIR": str(tmp_path)})
    assert ran.code == 0, ran.said
    settings = {given[0]: given[1] for name, given, _ in ran.calls if name == "cfg.set"}
    assert settings["bind"] == "['0.0.0.0:8774']"
    assert settings["proc_name"] == "nova-api"
    assert ran.given("gunicorn.util.import_app") == ["a.b:application"]
    assert ran.argv("serves") == ["nova-api", "--config-file", "x"]
    # Whoever its parent is: a worker without an arbiter goes on.
    assert ran.given("serves")[1] is True


def test_cinder_s_volume_service_runs_without_root_and_without_eventlet() -> None:
    ran = run("cinder_volume")
    assert ran.code == 0, ran.said
    assert ran.argv("cinder.cmd.volume.main")[0] == "cinder-volume"
    assert ran.given("cinder.privsep.sys_admin_pctxt.set_client_mode") == [False]
    assert ran.names[-1] == "cinder.cmd.volume.main"
