"""RabbitMQ: how the parts of a service send each other messages. The page of the message broker."""

import json
from collections.abc import Mapping
from random import Random
from typing import Final

from ouranos.backing import broker, manifests, page, rabbitmq_operator
from ouranos.kit import kinds, randoms
from ouranos.kit.objects import Object

UID: Final = 42439
PORT: Final = manifests.Port("amqp", 5672)
MANAGEMENT: Final = manifests.Port("management", 15672, field="managementPort")
_DATA: Final = manifests.Volume("data", "/var/lib/rabbitmq")
_DEFINITIONS: Final = "definitions.json"
_COOKIE: Final = "cookie"

_VARIABLES: Final = {
    "HOME": _DATA.path,
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_CONFIG_FILE": f"{manifests.CONFIG.path}/rabbitmq.conf",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{manifests.CONFIG.path}/enabled_plugins",
    "RABBITMQ_MNESIA_BASE": f"{_DATA.path}/mnesia",
    "RABBITMQ_LOG_BASE": manifests.TMP.path,
    # Erlang's own doors are for this pod only. Its threads sleep when there is nothing to do, and
    # few of them wait for files: there is one pod's work.
    "ERL_EPMD_ADDRESS": "127.0.0.1",
    "RABBITMQ_DIST_PORT": "25672",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none +SDio 2 "
    "-kernel inet_dist_use_interface {127,0,0,1}",
    # The start script then becomes the server, which ends on SIGTERM by itself.
    "RUNNING_UNDER_SYSTEMD": "1",
}


def pod(_: Object) -> manifests.Pod:
    """Return the server's pod."""
    variables = tuple({"name": name, "value": value} for name, value in _VARIABLES.items())
    return manifests.Pod(
        uid=UID,
        first=(manifests.initialise(_DATA, manifests.SECRET),),
        containers=(
            manifests.Container(
                "rabbitmq",
                ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
                (_DATA, manifests.CONFIG, manifests.SECRET),
                variables=(manifests.POD_IP, *variables),
                port=PORT,
                memory="192Mi",
                limit="2Gi",
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
    return site.means.brokers(broker.Login(*site.place(MANAGEMENT), *site.login()))


async def health(site: page.Site) -> Mapping[str, str]:
    """Log in, and ask for the version."""
    return {"version": await connect(site).version()}


PAGE: Final = page.Page(
    kind=kinds.RABBITMQ,
    image="rabbitmq",
    ports=(PORT, MANAGEMENT),
    pod=pod,
    credential=page.Credential("admin", "ouranos", account, (_DEFINITIONS, _COOKIE)),
    health=health,
    operator=rabbitmq_operator.OPERATOR,
)
