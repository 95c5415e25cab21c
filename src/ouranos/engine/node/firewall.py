"""Who may reach the node from outside this host? Nobody: one nftables table per bridge says so.

Linux would forward other machines' packets to the bridge if forwarding is on, and would answer on
any link for the host's address on the bridge. The table `ouranos-<bridge>` drops both, IPv6
included.
"""

import contextlib
import errno
import struct
from collections.abc import Generator
from ipaddress import IPv4Address
from typing import Any, Final

from pyroute2.netlink import exceptions as netlink
from pyroute2.nftables import expressions, main

_INET: Final = 1
_DROP: Final = 0
_EQUAL: Final = 0
_DIFFERENT: Final = 1
_META_INPUT_NAME: Final = 6
_META_OUTPUT_NAME: Final = 7
_META_PROTOCOL: Final = 15
_REGISTER: Final = 1
_NAME_SIZE: Final = 16
_untyped: Any = expressions
_IPV4: Final = 2


def table(bridge: str) -> str:
    """Return the table's name."""
    return f"ouranos-{bridge}"


def ensure(bridge: str, host_address: IPv4Address) -> None:
    """Make the table anew, so that it says what this version of the node means."""
    remove(bridge)
    name = table(bridge)
    with _tables() as tables:
        tables.table("add", name=name)
        for chain, hook in (("forward", "forward"), ("input", "input")):
            tables.chain("add", table=name, name=chain, hook=hook, type="filter", policy=1)
        for rule in (
            (
                *_link(_META_OUTPUT_NAME, _EQUAL, bridge),
                *_link(_META_INPUT_NAME, _DIFFERENT, bridge),
            ),
            (
                *_link(_META_INPUT_NAME, _EQUAL, bridge),
                *_link(_META_OUTPUT_NAME, _DIFFERENT, bridge),
            ),
        ):
            tables.rule("add", table=name, chain="forward", expressions=(rule, _drop()))
        outside = (
            *_link(_META_INPUT_NAME, _DIFFERENT, bridge),
            *_link(_META_INPUT_NAME, _DIFFERENT, "lo"),
            *_meta(_META_PROTOCOL, _EQUAL, struct.pack("B", _IPV4)),
            *_untyped.ipv4addr(dst=str(host_address)),
        )
        tables.rule("add", table=name, chain="input", expressions=(outside, _drop()))


def remove(bridge: str) -> None:
    """Remove the table; fine when there is none."""
    with _tables() as tables:
        try:
            tables.table("del", name=table(bridge))
        except netlink.NetlinkError as error:
            if error.code != errno.ENOENT:
                raise


@contextlib.contextmanager
def _tables() -> Generator[Any]:
    with main.NFTables(nfgen_family=_INET) as tables:
        yield tables


def _drop() -> tuple[Any, ...]:
    return tuple(_untyped.verdict(code=_DROP))


def _link(key: int, operator: int, name: str) -> tuple[Any, ...]:
    return _meta(key, operator, name.encode().ljust(_NAME_SIZE, b"\0"))


def _meta(key: int, operator: int, value: bytes) -> tuple[Any, ...]:
    return (
        _untyped.genex("meta", {"key": key, "dreg": _REGISTER}),
        _untyped.genex(
            "cmp",
            {
                "sreg": _REGISTER,
                "op": operator,
                "data": {"attrs": [("NFTA_DATA_VALUE", value)]},
            },
        ),
    )
