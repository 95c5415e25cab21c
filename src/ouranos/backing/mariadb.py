"""MariaDB: where the services keep what must not be lost. The page of the database server."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from ouranos.backing import manifests, page, sql
from ouranos.kit import kinds
from ouranos.kit.objects import Object

UID: Final = 42434
PORT: Final = manifests.Port("mysql", 3306)
_DATA: Final = "/var/lib/mysql"
_CONFIG: Final = "/etc/ouranos"
_ACCOUNTS: Final = "/etc/ouranos-secret"
_ACCOUNT: Final = "accounts.sql"


def pod(_: Object) -> manifests.Pod:
    """Return the server's pod."""
    data = manifests.Volume("data", _DATA)
    config = manifests.Volume("config", _CONFIG, read_only=True)
    scratch = manifests.Volume("tmp", "/tmp")  # noqa: S108 - the container's own
    return manifests.Pod(
        uid=UID,
        first=(
            manifests.Container(
                "initialise", ("sh", f"{_CONFIG}/initialise.sh"), (data, config, scratch)
            ),
        ),
        containers=(
            manifests.Container(
                "mariadbd",
                ("mariadbd", f"--defaults-file={_CONFIG}/mariadb.cnf", "--bind-address=$(POD_IP)"),
                (
                    data,
                    config,
                    scratch,
                    manifests.Volume("run", "/run/mysqld"),
                    manifests.Volume("secret", _ACCOUNTS, read_only=True),
                ),
                variables=(manifests.POD_IP,),
                port=PORT,
                memory="256Mi",
                cpu="100m",
            ),
        ),
        scratch=("tmp", "run"),
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
    host, port = site.place(PORT)
    username, password = site.login()
    login = sql.Login(host, port, username, password, encrypted=site.external is not None)
    return site.means.databases(login, site.seams.blocking)


async def health(site: page.Site) -> Mapping[str, str]:
    """Log in, and ask for the version."""
    return {"version": await connect(site).version()}


def answers(site: page.Site) -> Mapping[str, Any]:
    """Return host and port for the services."""
    host, port = site.told(PORT)
    return {"host": host, "port": port}


PAGE: Final = page.Page(
    kind=kinds.MARIADB,
    image="mariadb",
    ports=(PORT,),
    pod=pod,
    files=lambda _: page.texts("mariadb"),
    credential=page.Credential("root", "ouranos", account, (_ACCOUNT,)),
    health=health,
    answers=answers,
)
