"""MariaDB: where the services keep what must not be lost. The page of the database server."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from ouranos.backing import manifests, mariadb_operator, page, sql
from ouranos.kit import kinds
from ouranos.kit.objects import Object

UID: Final = 42434
PORT: Final = manifests.Port("mysql", 3306)
_DATA: Final = manifests.Volume("data", "/var/lib/mysql")
_ACCOUNT: Final = "accounts.sql"
_FEW_ARENAS: Final = {"name": "MALLOC_ARENA_MAX", "value": "2"}
"""An arena of memory per thread, as is usual, keeps some 40 MiB that schema changes have left."""


def pod(_: Object) -> manifests.Pod:
    """Return the server's pod."""
    settings = f"--defaults-file={manifests.CONFIG.path}/mariadb.cnf"
    run = manifests.Volume("run", "/run/mysqld")
    return manifests.Pod(
        uid=UID,
        first=(manifests.initialise(_DATA),),
        containers=(
            manifests.Container(
                "mariadbd",
                ("mariadbd", settings, "--bind-address=$(POD_IP)"),
                (_DATA, manifests.CONFIG, manifests.SECRET, run),
                variables=(manifests.POD_IP, _FEW_ARENAS),
                port=PORT,
                memory="256Mi",
                limit="2Gi",
                cpu="100m",
            ),
        ),
        scratch=("run",),
        grace=120,
    )


def account(username: str, password: str, _: Random) -> Mapping[str, str]:
    """Return the statements that the server runs at each start, one per line."""
    user = f"{sql.quoted(username)}@`%`"
    return {
        _ACCOUNT: f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{password}';\n"
        f"ALTER USER {user} IDENTIFIED BY '{password}';\n"
        f"GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;\n"
    }


def connect(site: page.Site) -> sql.Server:
    """Return the server as its administrator sees it.

    Raises:
        errors.Transient: its address or its account is not known yet.
    """
    return connect_as(site, *site.login())


def connect_as(site: page.Site, username: str, password: str) -> sql.Server:
    """Return the server as one of its users sees it.

    Raises:
        errors.Transient: its address is not known yet.
    """
    login = sql.Login(*site.place(PORT), username, password, encrypted=not site.is_builtin)
    return site.means.databases(login, site.seams.blocking)


async def health(site: page.Site) -> Mapping[str, str]:
    """Log in, and ask for the version."""
    return {"version": await connect(site).version()}


def answers(site: page.Site) -> Mapping[str, Any]:
    """Return host and port for the services, and whether they are to encrypt what they say."""
    return {**site.address(), "tls": "Disabled" if site.is_builtin else "Preferred"}


PAGE: Final = page.Page(
    kind=kinds.MARIADB,
    image="mariadb",
    ports=(PORT,),
    pod=pod,
    credential=page.Credential("root", "ouranos", account, (_ACCOUNT,)),
    health=health,
    answers=answers,
    operator=mariadb_operator.OPERATOR,
)
