"""Do MariaDB, RabbitMQ, memcached and OVN in their pods keep what the room promises?"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pymysql
import pytest
import tests_backing
import tests_engine
from tests_backing import CLAIM, SERVERS, USER, VHOST, administrator, ask, claim, enter, serve

from ouranos import backing
from ouranos.backing import broker
from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Kind

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tests_engine.Engine]:
    async with tests_engine.running(tmp_path, backing.controllers()) as found:
        yield found


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
    with enter(engine, USER, "nova_api") as link, link.cursor() as cursor:
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


def write(engine: tests_engine.Engine, writer: int) -> int:
    """Commit pairs of rows until the server is gone; return how many pairs it has confirmed."""
    done = 0
    try:
        with enter(engine, USER, "nova_api") as link, link.cursor() as cursor:
            while True:
                cursor.execute("BEGIN")
                for half in (0, 1):
                    cursor.execute("INSERT INTO guests VALUES (%s, %s, %s)", (writer, done, half))
                cursor.execute("COMMIT")
                done += 1
    except pymysql.err.MySQLError:
        return done


async def test_a_kill_amid_writing_loses_nothing_that_was_confirmed(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    await claim(engine)
    table = "CREATE TABLE nova_api.guests (writer INT, number INT, half INT) ENGINE InnoDB"
    ask(engine, USER, table)
    writers = [asyncio.create_task(asyncio.to_thread(write, engine, one)) for one in range(4)]

    async def under_way() -> bool:
        return ask(engine, USER, "SELECT COUNT(*) > 200 FROM nova_api.guests") == ((1,),)

    await engine.until(under_way, "the writing to be under way")
    engine.kill("mariadbd ")
    confirmed = await asyncio.gather(*writers)
    await engine.until_said(kinds.MARIADB, "mariadb", "Ready", "False")
    await engine.ready(kinds.MARIADB, "mariadb", 120)
    count = "SELECT writer, COUNT(DISTINCT number), COUNT(*) FROM nova_api.guests GROUP BY writer"
    for writer, pairs, rows in ask(engine, USER, count):
        assert rows == 2 * pairs, "a transaction is there as a whole or not at all"
        assert pairs in {confirmed[writer], confirmed[writer] + 1}


async def test_a_lost_secret_of_the_server_is_made_anew_and_the_old_one_is_worthless(
    engine: tests_engine.Engine,
) -> None:
    await serve(engine, kinds.MARIADB)
    account = await engine.secret_of("mariadb-root-1")
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


async def test_servers_elsewhere_fulfil_claims_as_our_own_do(engine: tests_engine.Engine) -> None:
    """The servers of one cloud play those of somebody else: reached by address and account."""
    await serve(engine, *SERVERS)
    address = str(engine.told.address)
    away = {"namespace": "away"}
    await engine.client.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "away"}}
    )

    async def ready(kind: Kind, name: str) -> objects.Object:
        async def look() -> objects.Object | None:
            found = await engine.client.get(kind, name, "away")
            assert found is not None
            return found if conditions.is_current(found, "Ready") else None

        return await engine.until(look, f"{kind.kind} {name}")

    accounts = {kinds.MARIADB: "mariadb-root-1", kinds.RABBITMQ: "rabbitmq-admin-1"}
    for kind, name in SERVERS.items():
        spec = {"release": tests_engine.RELEASE, "external": {"host": address}}
        if kind in accounts:
            given = await engine.secret_of(accounts[kind])
            login = {key: given[key] for key in ("username", "password")}
            await engine.apply(kinds.SECRET, accounts[kind], metadata=away, stringData=login)
            spec["external"]["secretRef"] = {"name": accounts[kind]}
        await engine.apply(kind, name, metadata=away, spec=spec)
        await ready(kind, name)
    glance = {"username": "glance", "password": "second'%"}
    await engine.apply(kinds.SECRET, "glance-1", metadata=away, stringData=glance)
    for kind, spec in ((kinds.DATABASE, CLAIM), (kinds.VHOST, VHOST)):
        wanted = {**spec, "secretRef": {"name": "glance-1"}}
        await engine.apply(kind, "glance", metadata=away, spec=wanted)
    status = (await ready(kinds.DATABASE, "glance"))["status"]
    assert (status["host"], status["tls"]) == (address, "Preferred")
    assert (await ready(kinds.VHOST, "glance"))["status"]["host"] == address
    assert ask(engine, glance, "SHOW DATABASES LIKE 'nova_api'") == (("nova_api",),)
    assert tests_backing.cipher(engine, glance)


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
