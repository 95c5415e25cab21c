"""What the kernel is asked for when rules are written; the kernel itself answers in the stories."""

from typing import Any

from test_rules import NODE, ON_HOST

from ouranos.engine.node import firewall, rules


def asked(table: rules.Table) -> list[tuple[int, dict[str, Any]]]:
    """Encode each request as it goes over the wire, and read it again."""
    found: list[tuple[int, dict[str, Any]]] = []
    for message in [*firewall._removed(table.name), *firewall._made(table)]:
        message.encode()
        read = type(message)(message.data)
        read.decode()
        found.append((read["header"]["type"] & 0xFF, read))
    return found


def test_a_table_is_made_anew_in_one_go() -> None:
    sorts = [sort for sort, _ in asked(ON_HOST)]
    new_table, old_table, new_chain, new_rule = 0, 2, 3, 6
    expected = [new_table, old_table, new_table, new_chain, new_chain]
    assert sorts == expected + [new_rule] * len(ON_HOST.rules)


def test_each_rule_says_why_it_is_there() -> None:
    said = [firewall._comment(read) for sort, read in asked(NODE) if sort == 6]
    assert said == NODE.comments()
    assert sorted(pair[1] for pair in firewall._wanted(NODE)) == sorted(NODE.comments())


def test_a_rule_has_a_step_for_each_match() -> None:
    reads = [read for sort, read in asked(NODE) if sort == 6]
    for rule, read in zip(NODE.rules, reads, strict=True):
        names = [one.get_attr("NFTA_EXPR_NAME") for one in read.get_attr("NFTA_RULE_EXPRESSIONS")]
        assert names[-1] == "immediate"
        assert names.count("cmp") == len(rule.matches)
        assert names.count("bitwise") == sum(bool(match.mask) for match in rule.matches)
