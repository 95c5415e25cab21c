"""How do rules come into the kernel? The one wrapper of nftables, in the caller's network.

A table is replaced in one transaction: there is no moment without it. Each rule carries what
tells whether its table is whole, so looking costs one question, and nothing is written anew that
is right.
"""

import contextlib
import errno
from collections.abc import Generator, Iterator
from typing import Any, Final

from pyroute2.netlink import NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, nfnetlink
from pyroute2.netlink import exceptions as netlink
from pyroute2.netlink.nfnetlink import nftsocket
from pyroute2.nftables import expressions, main

from ouranos.engine.node import rules

_INET: Final = 1
_BEGIN: Final = 0x10
_END: Final = 0x11
_POLICY_ACCEPT: Final = 1
_REGISTER: Final = 1
_EQUAL: Final = 0
_DIFFERENT: Final = 1
_NETWORK_HEADER: Final = 1
_TRANSPORT_HEADER: Final = 2
_HOOKS: Final = {"input": 1, "forward": 2}
_untyped: Any = expressions
_messages: Any = nftsocket
_nfnetlink: Any = nfnetlink


def keep(table: rules.Table) -> bool:
    """Make a table what it should be; return whether it had to be written."""
    with _opened() as kernel:
        if _present(kernel, table.name) == list(_wanted(table)):
            return False
        _commit(kernel, [*_removed(table.name), *_made(table)])
    return True


def remove(name: str) -> None:
    """Remove a table; fine when there is none."""
    with _opened() as kernel:
        try:
            _commit(kernel, [_table(_messages.NFT_MSG_DELTABLE, name)])
        except netlink.NetlinkError as error:
            if error.code != errno.ENOENT:
                raise


@contextlib.contextmanager
def _opened() -> Generator[Any]:
    with main.NFTables(nfgen_family=_INET) as kernel:
        yield kernel


def _wanted(table: rules.Table) -> Iterator[tuple[str, str]]:
    by_chain = zip((rule.chain for rule in table.rules), table.comments(), strict=True)
    return iter(sorted(by_chain, key=lambda one: list(_HOOKS).index(one[0])))


def _present(kernel: Any, name: str) -> list[tuple[str, str]]:
    """Return the chain and the comment of each rule, in the kernel's order."""
    asked = _messages.nft_rule_msg()
    asked["attrs"] = [("NFTA_RULE_TABLE", name)]
    return [
        (found.get("chain"), _comment(found))
        for found in kernel.request_get(asked, _messages.NFT_MSG_GETRULE)
        if found.get("table") == name
    ]


def _comment(found: Any) -> str:
    return str(found.get("userdata") or "")


def _commit(kernel: Any, requests: list[Any]) -> None:
    """Send requests as one transaction: all of them come true, or none."""
    batch = [_border(_BEGIN), *requests, _border(_END)]
    kernel.nlm_request_batch(batch)


def _border(sort: int) -> Any:
    message = _nfnetlink.nfgen_msg()
    message["res_id"] = _nfnetlink.NFNL_SUBSYS_NFTABLES
    message["header"]["type"] = sort
    message["header"]["flags"] = NLM_F_REQUEST
    return message


def _request(message: Any, sort: int, flags: int, attributes: list[tuple[str, Any]]) -> Any:
    message["attrs"] = attributes
    message["nfgen_family"] = _INET
    message["header"]["type"] = (_nfnetlink.NFNL_SUBSYS_NFTABLES << 8) | sort
    message["header"]["flags"] = NLM_F_REQUEST | NLM_F_ACK | flags
    return message


def _table(sort: int, name: str) -> Any:
    flags = NLM_F_CREATE if sort == _messages.NFT_MSG_NEWTABLE else 0
    return _request(_messages.nft_table_msg(), sort, flags, [("NFTA_TABLE_NAME", name)])


def _removed(name: str) -> list[Any]:
    """Make what may be there already, so that removing it cannot fail."""
    return [
        _table(_messages.NFT_MSG_NEWTABLE, name),
        _table(_messages.NFT_MSG_DELTABLE, name),
    ]


def _made(table: rules.Table) -> list[Any]:
    chains = [_chain(table.name, name, hook) for name, hook in _HOOKS.items()]
    each = [
        _rule(table.name, rule, comment)
        for rule, comment in zip(table.rules, table.comments(), strict=True)
    ]
    return [_table(_messages.NFT_MSG_NEWTABLE, table.name), *chains, *each]


def _chain(table: str, name: str, hook: int) -> Any:
    attributes: list[tuple[str, Any]] = [
        ("NFTA_CHAIN_TABLE", table),
        ("NFTA_CHAIN_NAME", name),
        (
            "NFTA_CHAIN_HOOK",
            {"attrs": [("NFTA_HOOK_HOOKNUM", hook), ("NFTA_HOOK_PRIORITY", 0)]},
        ),
        ("NFTA_CHAIN_POLICY", _POLICY_ACCEPT),
        ("NFTA_CHAIN_TYPE", "filter"),
    ]
    message = _messages.nft_chain_msg()
    return _request(message, _messages.NFT_MSG_NEWCHAIN, NLM_F_CREATE, attributes)


def _rule(table: str, rule: rules.Rule, comment: str) -> Any:
    steps = [step for match in rule.matches for step in _steps(match)]
    attributes: list[tuple[str, Any]] = [
        ("NFTA_RULE_TABLE", table),
        ("NFTA_RULE_CHAIN", rule.chain),
        ("NFTA_RULE_EXPRESSIONS", [*steps, *_untyped.verdict(code=int(rule.accept))]),
        ("NFTA_RULE_USERDATA", comment),
    ]
    flags = NLM_F_CREATE | NLM_F_APPEND
    return _request(_messages.nft_rule_msg(), _messages.NFT_MSG_NEWRULE, flags, attributes)


def _steps(match: rules.Match) -> Iterator[Any]:
    yield _load(match.field)
    if match.mask:
        masked = {
            "sreg": _REGISTER,
            "dreg": _REGISTER,
            "len": len(match.mask),
            "mask": _data(match.mask),
            "xor": _data(bytes(len(match.mask))),
        }
        yield _untyped.genex("bitwise", masked)
    operator = _EQUAL if match.equal else _DIFFERENT
    yield _untyped.genex("cmp", {"sreg": _REGISTER, "op": operator, "data": _data(match.value)})


_META: Final = {
    rules.Field.LINK_IN: 6,
    rules.Field.LINK_OUT: 7,
    rules.Field.FAMILY: 15,
    rules.Field.PROTOCOL: 16,
}
_PAYLOAD: Final = {
    rules.Field.SOURCE: (_NETWORK_HEADER, 12, 4),
    rules.Field.DESTINATION: (_NETWORK_HEADER, 16, 4),
    rules.Field.PORT: (_TRANSPORT_HEADER, 2, 2),
    rules.Field.FLAGS: (_TRANSPORT_HEADER, 13, 1),
    rules.Field.MESSAGE: (_TRANSPORT_HEADER, 0, 1),
}


def _load(field: rules.Field) -> Any:
    """Put a field of the packet into the register; the keys are those of nf_tables.h."""
    if field in _META:
        return _untyped.genex("meta", {"key": _META[field], "dreg": _REGISTER})
    if field in _PAYLOAD:
        base, offset, length = _PAYLOAD[field]
        where = {"dreg": _REGISTER, "base": base, "offset": offset, "len": length}
        return _untyped.genex("payload", where)
    return _untyped.genex("ct", {"key": 0, "dreg": _REGISTER})


def _data(value: bytes) -> dict[str, Any]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
