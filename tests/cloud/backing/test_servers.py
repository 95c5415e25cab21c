"""Do MariaDB, RabbitMQ, memcached and OVN in their pods keep what the room promises?"""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import tests_engine

from ouranos import backing
from ouranos.backing import broker, sql
from ouranos.kit import kinds, seams

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]

SERVERS = {
    kinds.MARIADB: "mariadb",
    kinds.RABBITMQ: "rabbitmq",
    kinds.MEMCACHED: "memcached",
    kinds.OVN: "ovn",
}
CLAIM = {
    "mariadbRef": {"name": "mariadb"},
    "database": "nova_api",
    "secretRef": {"name": "nova-database-1"},
}
VHOST = {
    "rabbitmqRef": {"name": "rabbitmq"},
    "vhost": "nova",
    "secretRef": {"name": "nova-queue-1"},
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tests_engine.Engine]:
    async with tests_engine.running(tmp_path, backing.controllers()) as found:
        yield found


async def serve(engine: tests_engine.Engine, *wanted: Any) -> None:
    for kind in wanted:
        spec = {"release": tests_engine.RELEASE, "builtin": {}}
        await engine.apply(kind, SERVERS[kind], spec=spec)
    for kind in wanted:
        await engine.ready(kind, SERVERS[kind], 300)


async def claim(engine: tests_engine.Engine) -> None:
    await engine.secret("nova-database-1", username="nova", password="first'\\`")
    await engine.apply(kinds.DATABASE, "nova-api", spec=CLAIM)
    await engine.ready(kinds.DATABASE, "nova-api")


def enter(
    engine: tests_engine.Engine, user: str, password: str, database: str | None = None
) -> pymysql.connections.Connection:
    return pymysql.connect(
        host=str(engine.told.address),
        user=user,
        password=password,
        database=database,
        ssl_disabled=True,
        autocommit=True,
        connect_timeout=5,
    )


async def administrator(engine: tests_engine.Engine) -> sql.MariaDb:
    account = await engine.secret_of("mariadb-root-1")
    where = str(engine.told.address), 3306
    login = sql.Login(*where, account["username"], account["password"], encrypted=False)
    return sql.MariaDb(login, seams.threads)


def ask(
    engine: tests_engine.Engine, account: dict[str, str], *statements: str
) -> tuple[tuple[Any, ...], ...]:
    with enter(engine, account["username"], account["password"]) as link, link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


async def test_all_four_come_up_and_a_pass_that_changes_nothing_is_short(
    engine: tests_engine.Engine,
) -> None:
    began = time.monotonic()
    await serve(engine, *SERVERS)
    assert time.monotonic() - began < 120
    await claim(engine)
    server = await administrator(engine)
    began = time.monotonic()
    for _ in range(20):
        await server.look("nova_api", "nova")
        await server.look("nova_api", "nova")
        await server.admits("nova_api", "nova", "first'\\`")
    assert (time.monotonic() - began) / 20 < 0.1


async def test_a_claimed_user_may_do_everything_in_its_database_and_nothing_elsewhere(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    await claim(engine)
    with enter(engine, "nova", "first'\\`", "nova_api") as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE guests (name VARCHAR(64))")
        with pytest.raises(pymysql.err.MySQLError):
            cursor.execute("SELECT * FROM ouranos.ownership")
        with pytest.raises(pymysql.err.MySQLError):
            cursor.execute("CREATE DATABASE novaXapi")


async def test_claims_heal_and_strangers_and_lost_data_are_told(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    await claim(engine)
    account = await engine.secret_of("mariadb-root-1")
    ask(engine, account, "DROP USER nova@'%'")
    await engine.wake(kinds.DATABASE, "nova-api")
    server = await administrator(engine)

    async def admitted() -> bool:
        return await server.admits("nova_api", "nova", "first'\\`")

    await engine.until(admitted, "the user to be made again")
    ask(engine, account, "CREATE DATABASE theirs", "CREATE TABLE theirs.kept (n INT)")
    await engine.apply(kinds.DATABASE, "theirs", spec={**CLAIM, "database": "theirs"})
    await engine.until_said(
        kinds.DATABASE, "theirs", "DatabaseReady", "False", "was not made by Ouranos"
    )
    assert ask(engine, account, "SHOW TABLES FROM theirs") == (("kept",),)
    ask(engine, account, "DROP DATABASE nova_api")
    await engine.wake(kinds.DATABASE, "nova-api")
    await engine.until_said(kinds.DATABASE, "nova-api", "DatabaseReady", "False", "recreate-data")
    assert ask(engine, account, "SHOW DATABASES LIKE 'nova_api'") == ()


async def test_what_was_committed_survives_a_kill_and_a_lost_secret_heals(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    await claim(engine)
    with enter(engine, "nova", "first'\\`", "nova_api") as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE guests (name VARCHAR(64)) ENGINE InnoDB")
        for number in range(50):
            cursor.execute("INSERT INTO guests VALUES (%s)", (f"guest {number}",))
        engine.kill("mariadbd ")
    await engine.until_said(kinds.MARIADB, "mariadb", "Ready", "False")
    await engine.ready(kinds.MARIADB, "mariadb", 120)
    account = await engine.secret_of("mariadb-root-1")
    assert ask(engine, account, "SELECT COUNT(*) FROM nova_api.guests") == ((50,),)

    await engine.client.delete(kinds.SECRET, "mariadb-root-1", tests_engine.HOME)

    async def new_account() -> bool:
        found = await engine.client.get(kinds.SECRET, "mariadb-root-1", tests_engine.HOME)
        if found is None:
            return False
        fresh = await engine.secret_of("mariadb-root-1")
        try:
            return fresh != account and bool(ask(engine, fresh, "SELECT 1"))
        except pymysql.err.MySQLError:
            return False

    await engine.until(new_account, "the new account to be true", 120)
    with pytest.raises(pymysql.err.MySQLError):
        ask(engine, account, "SELECT 1")


async def test_a_volume_with_somebody_elses_files_is_left_to_a_person(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    await engine.client.delete(kinds.MARIADB, "mariadb", tests_engine.HOME)

    async def gone() -> bool:
        return await engine.client.get(kinds.POD, "mariadb-0", tests_engine.HOME) is None

    await engine.until(gone, "the pod to be gone")
    (volume,) = engine.told.layout.root.glob("volumes/home/data-mariadb-0-*")
    (volume / "data").rename(volume / "old")
    await engine.apply(
        kinds.MARIADB, "mariadb", spec={"release": tests_engine.RELEASE, "builtin": {}}
    )
    await engine.until_said(
        kinds.MARIADB, "mariadb", "WorkloadReady", "False", "holds 'old'", seconds=120
    )
    assert sorted(one.name for one in volume.iterdir()) == ["old"]
    (volume / "old").rename(volume / "data")
    await engine.client.delete(kinds.POD, "mariadb-0", tests_engine.HOME)
    await engine.ready(kinds.MARIADB, "mariadb", 120)


async def test_rabbitmq_speaks_as_our_fake_does(engine: tests_engine.Engine) -> None:
    await serve(engine, kinds.RABBITMQ)
    await engine.secret("nova-queue-1", username="nova", password="first")
    await engine.apply(kinds.VHOST, "nova", spec=VHOST)
    await engine.ready(kinds.VHOST, "nova")
    account = await engine.secret_of("rabbitmq-admin-1")
    where = str(engine.told.address), 15672
    server = broker.connect(broker.Login(*where, account["username"], account["password"]))
    assert await server.vhost("nova") == "ouranos:home/nova"
    user = await server.user("nova")
    assert user is not None
    assert user.tags == {"ouranos:home"}
    assert user.has("first")
    assert await server.allows("nova", "nova")
    assert await server.user("guest") is None
    await server.delete_vhost("nova")
    assert await server.vhost("nova") is None
    await engine.wake(kinds.VHOST, "nova")

    async def again() -> bool:
        return await server.allows("nova", "nova")

    await engine.until(again, "the virtual host to be made again")
    engine.kill("beam.smp")
    await engine.until_said(kinds.RABBITMQ, "rabbitmq", "Ready", "False")
    await engine.ready(kinds.RABBITMQ, "rabbitmq", 120)
    assert await server.allows("nova", "nova")
