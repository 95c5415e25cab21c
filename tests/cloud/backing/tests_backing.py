"""How the stories make servers and claims, and speak to MariaDB as its users do."""

import ssl
from typing import Any

import pymysql
import tests_engine

from ouranos.backing import sql
from ouranos.kit import kinds, seams
from ouranos.kit.objects import Kind

SERVERS = {
    kinds.MARIADB: "mariadb",
    kinds.RABBITMQ: "rabbitmq",
    kinds.MEMCACHED: "memcached",
    kinds.OVN: "ovn",
}
USER = {"username": "nova", "password": "first'\\`"}
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


async def serve(engine: tests_engine.Engine, *wanted: Kind) -> None:
    for kind in wanted:
        spec = {"release": tests_engine.RELEASE, "builtin": {}}
        await engine.apply(kind, SERVERS[kind], spec=spec)
    for kind in wanted:
        await engine.ready(kind, SERVERS[kind], 300)


async def claim(engine: tests_engine.Engine) -> None:
    await engine.secret("nova-database-1", **USER)
    await engine.apply(kinds.DATABASE, "nova-api", spec=CLAIM)
    await engine.ready(kinds.DATABASE, "nova-api")


def enter(
    engine: tests_engine.Engine, account: dict[str, str], database: str | None = None
) -> pymysql.connections.Connection:
    return pymysql.connect(
        host=str(engine.told.address),
        user=account["username"],
        password=account["password"],
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
    with enter(engine, account) as link, link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


def cipher(engine: tests_engine.Engine, account: dict[str, str]) -> str:
    """Return by which cipher the server and a client that wants TLS understand each other."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    host, user, password = str(engine.told.address), account["username"], account["password"]
    link = pymysql.connect(host=host, user=user, password=password, ssl=trusting)
    with link, link.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return str(cursor.fetchall()[0][1])
