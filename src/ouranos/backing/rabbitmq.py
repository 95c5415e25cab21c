"""RabbitMQ: how the parts of a service send each other messages. The page of the message broker."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from ouranos.backing import broker, manifests, page
from ouranos.kit import kinds, randoms
from ouranos.kit.objects import Object

UID: Final = 42439
PORT: Final = manifests.Port("amqp", 5672)
MANAGEMENT: Final = manifests.Port("management", 15672, field="managementPort")
_DATA: Final = "/var/lib/rabbitmq"
_CONFIG: Final = "/etc/ouranos"
_ACCOUNTS: Final = "/etc/ouranos-secret"
_DEFINITIONS: Final = "definitions.json"
_COOKIE: Final = "cookie"

_VARIABLES: Final = {
    "HOME": _DATA,
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_CONFIG_FILE": f"{_CONFIG}/rabbitmq.conf",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{_CONFIG}/enabled_plugins",
    "RABBITMQ_MNESIA_BASE": f"{_DATA}/mnesia",
    "RABBITMQ_LOG_BASE": "/tmp",  # noqa: S108 - the container's own
    # Erlang's own doors are for this pod only, and its threads sleep when there is nothing to do.
    "ERL_EPMD_ADDRESS": "127.0.0.1",
    "RABBITMQ_DIST_PORT": "25672",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none "
    "-kernel inet_dist_use_interface {127,0,0,1}",
    # The start script then becomes the server, which ends on SIGTERM by itself.
    "RUNNING_UNDER_SYSTEMD": "1",
}


def pod(_: Object) -> manifests.Pod:
    """Return the server's pod."""
    data = manifests.Volume("data", _DATA)
    config = manifests.Volume("config", _CONFIG, read_only=True)
    secret = manifests.Volume("secret", _ACCOUNTS, read_only=True)
    variables = tuple({"name": name, "value": value} for name, value in _VARIABLES.items())
    return manifests.Pod(
        uid=UID,
        first=(
            manifests.Container(
                "initialise", ("sh", f"{_CONFIG}/initialise.sh"), (data, config, secret)
            ),
        ),
        containers=(
            manifests.Container(
                "rabbitmq",
                ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
                (data, config, secret, manifests.Volume("tmp", "/tmp")),  # noqa: S108
                variables=(manifests.POD_IP, *variables),
                port=PORT,
                memory="192Mi",
                cpu="50m",
            ),
        ),
    )


def account(username: str, password: str, chance: Random) -> Mapping[str, str]:
    """Return the definitions that the server reads at each start, and its Erlang cookie."""
    user = {
        "name": username,
        "password_hash": broker.salted(password, chance),
        "hashing_algorithm": broker.HASHING,
        "tags": ["administrator"],
    }
    definitions = {"users": [user], "vhosts": [], "permissions": []}
    return {
        _DEFINITIONS: json.dumps(definitions, sort_keys=True),
        _COOKIE: randoms.password(chance),
    }


def connect(site: page.Site) -> broker.Server:
    """Return the server as its administrator sees it.

    Raises:
        errors.Transient: its address or its account is not known yet.
    """
    host, port = site.place(MANAGEMENT)
    username, password = site.login()
    return site.means.brokers(broker.Login(host, port, username, password))


async def health(site: page.Site) -> Mapping[str, str]:
    """Log in, and ask for the version."""
    return {"version": await connect(site).version()}


def answers(site: page.Site) -> Mapping[str, Any]:
    """Return host and port for the services."""
    host, port = site.told(PORT)
    return {"host": host, "port": port}


PAGE: Final = page.Page(
    kind=kinds.RABBITMQ,
    image="rabbitmq",
    ports=(PORT, MANAGEMENT),
    pod=pod,
    files=lambda _: page.texts("rabbitmq"),
    credential=page.Credential("admin", "ouranos", account, (_DEFINITIONS, _COOKIE)),
    health=health,
    answers=answers,
)
