"""Do the programs inside the image understand their command lines, and look before they choose?"""

import signal

import pytest

from ouranos_runtime import cinder_volume, nfs, nova, schema, wsgi


def test_an_application_finds_only_its_own_arguments() -> None:
    given, theirs = wsgi.arguments(
        ["cinder.wsgi.api:application", "--name", "cinder-api", "--port", "8776", "--", "--x", "y"]
    )
    assert (given.application, given.port, given.threads) == (
        "cinder.wsgi.api:application",
        8776,
        4,
    )
    assert theirs == ["--x", "y"]


def test_without_arguments_an_application_finds_none() -> None:
    _, theirs = wsgi.arguments(["a:b", "--name", "n", "--port", "1", "--threads", "1"])
    assert theirs == []


def test_two_generations_may_listen_on_one_port() -> None:
    options = wsgi.options("nova-api", 8774, 4)
    assert options["bind"] == ["0.0.0.0:8774"]
    assert options["reuse_port"]


class Worker:
    """Gunicorn's, as far as signals matter."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def handle_exit(self, *_: object) -> None:
        self.told.append("gunicorn")

    def taken(self, *_: object) -> None:
        self.told.append("application")


@pytest.mark.parametrize(
    ("taken", "told"),
    [(True, ["gunicorn", "application"]), (False, ["gunicorn"])],
    ids=["taken by the application", "left alone"],
)
def test_an_application_that_takes_a_signal_does_not_take_it_away(
    taken: object, told: list[str]
) -> None:
    worker = Worker()
    before = signal.signal(signal.SIGTERM, worker.taken if taken else worker.handle_exit)
    try:
        wsgi.heed(worker)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert worker.told == told


@pytest.mark.parametrize(
    ("filesystems", "client"),
    [
        ("nodev\tsysfs\n\text4\n", False),
        ("nodev\tnfs\n", True),
        ("nodev\tnfs4\n", True),
        ("nodev\tnfsd\n", False),
        ("", False),
    ],
    ids=["no NFS", "NFS 3", "NFS 4", "only a server", "nothing"],
)
def test_an_nfs_client_is_found_by_looking(filesystems: str, client: object) -> None:
    assert nfs.has_client(filesystems) is client


def test_a_local_share_is_said_before_the_program() -> None:
    assert nfs.split(["--local", "--", "nova-compute", "--x"]) == (True, ["nova-compute", "--x"])
    assert nfs.split(["--", "nova-compute", "--local"]) == (False, ["nova-compute", "--local"])


@pytest.mark.parametrize("words", [[], ["--"], ["nova-compute"], ["--local", "--"]])
def test_a_command_line_without_a_program_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        nfs.split(words)


def test_sections_stand_before_a_schemas_command() -> None:
    assert schema.split(["database", "--", "barbican-manage", "db"]) == (
        ["database"],
        ["barbican-manage", "db"],
    )
    with pytest.raises(SystemExit):
        schema.split(["--", "barbican-manage"])


def test_a_databases_url_is_that_of_its_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_DATABASE__CONNECTION", "mysql+pymysql://u:p@h:3306/nova?charset=utf8mb4")
    assert schema.url().endswith("/nova?charset=utf8mb4")
    assert schema.url(database="nova_cell0") == (
        "mysql+pymysql://u:p@h:3306/nova_cell0?charset=utf8mb4"
    )


def test_cells_hold_no_credential_and_keep_their_identity() -> None:
    text = str(nova.CELLS)
    assert "{password}" in text
    assert nova.CELL0 == "00000000-0000-0000-0000-000000000000"
    assert nova.CELL1 == "08e1a8d5-53b5-55dd-9e68-32bdc3277d78"


class Cursor:
    """A database's tables, as far as the guard asks for them."""

    def __init__(self, *tables: str) -> None:
        self.tables = set(tables)

    def execute(self, statement: str) -> None:
        words = statement.replace("`", "").split()
        if words[:2] == ["CREATE", "TABLE"]:
            self.tables.add(words[2])
        elif words[:2] == ["DROP", "TABLE"]:
            self.tables.remove(words[-1])

    def fetchall(self) -> list[tuple[str]]:
        return [(table,) for table in self.tables]


def test_an_empty_database_is_marked_before_anything_is_made_in_it() -> None:
    cursor = Cursor()
    schema.prepare(cursor)
    assert cursor.tables == {schema.MARKER}


def test_what_an_interrupted_first_schema_left_goes() -> None:
    cursor = Cursor(schema.MARKER, "instances", "services")
    schema.prepare(cursor)
    assert cursor.tables == {schema.MARKER}


def test_a_database_in_use_is_never_emptied() -> None:
    cursor = Cursor("instances", "services")
    schema.prepare(cursor)
    assert cursor.tables == {"instances", "services"}


def test_a_native_thread_calls_directly() -> None:
    assert cinder_volume.Direct.execute(max, 1, 2) == 2
    assert cinder_volume.Direct.Proxy("x") == "x"
    assert cinder_volume.root_helper() == "env"
