"""What expressions mean, beyond what the recorded rules of Kubernetes ask."""

from typing import Any

import pytest

from ouranos.engine.apiserver.schema.cel import compiler, static
from ouranos.engine.apiserver.schema.cel.values import Fault

VARIABLES = {"x": static.DYN, "n": static.INT, "s": static.STRING}


def run(text: str, x: Any = None, n: int = 5, s: str = "abc") -> Any:
    return compiler.compiled(text, VARIABLES).run(x, n, s)


TRUE = [
    # literals
    r"'\u0041\x42\103\n' == 'ABC\n'",
    r"r'\n'.size() == 2",
    "'''a'b''' == \"a'b\"",
    "b'\\x00\\xff' == b'\\000\\377'",
    "0x10 == 16 && 1e3 == 1000.0 && .5 == 0.5 && -0x1 == -1",
    "-9223372036854775808 < 0",
    "{'a': [dyn(1)], 'b': [dyn(true), dyn(null)]}['b'][1] == null",
    "// a comment\ntrue",
    "[1, 2,].size() == 2 && {'a': 1,}.size() == 1",
    # operators
    "1 + 2 * 3 - 4 / 2 == 5 && 7 % -3 == 1 && -7 / 2 == -3",
    "2u * 3u == 6u && 7u / 2u == 3u && 7u % 2u == 1u && 3u - 1u == 2u",
    "1.5 * 2.0 == 3.0 && 1.0 / 0.0 > 1e300 && -(1.5) == -1.5",
    "[1] + [2] == [1, 2] && b'a' + b'b' == b'ab'",
    "duration('1h') + duration('30m') == duration('90m')",
    "timestamp('2020-01-01T00:00:00Z') + duration('24h') == timestamp('2020-01-02T00:00:00Z')",
    "duration('24h') + timestamp('2020-01-01T00:00:00Z') == timestamp('2020-01-02T00:00:00Z')",
    "timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z') == duration('24h')",
    "timestamp('2020-01-02T00:00:00Z') - duration('24h') == timestamp('2020-01-01T00:00:00Z')",
    "true < dyn(true) == false && 'a' < 'b' && 1 <= 1.0 && 2u > 1",
    "dyn(1) == dyn(1.0) && dyn(true) != dyn(1) && dyn([1]) != dyn({'a': 1})",
    "{'a': 1} == {'a': 1} && {'a': 1} != {'a': 2} && {'a': 1} != {'b': 1} && {} != {'a': 1}",
    "!(false && x.y) && (true || x.y)",
    "(x.y || true) && !(x.y && false)",
    "n > 3 ? true : x.y",
    "optional.of(1) == optional.of(1) && optional.of(1) != optional.none()",
    # conversions
    "int('7') == 7 && int(7.9) == 7 && int(3u) == 3",
    "int(timestamp('1970-01-01T00:01:00Z')) == 60 && int(duration('1s')) == 1000000000",
    "uint(3) == 3u && uint('3') == 3u && double('1.5') == 1.5 && double(2) == 2.0",
    "bool('true') && !bool('F') && bool(true) && string(3u) == '3'",
    "string(timestamp('2020-01-01T00:00:00Z')) == '2020-01-01T00:00:00Z'",
    "string(duration('90s')) == '90s' && string(b'a') == 'a' && string('a') == 'a'",
    "string(1e30) == '1e+30' && string(1.0) == '1' && string(0.00001) == '1e-05'",
    "bytes(b'a') == bytes('a') && dyn(5) == 5",
    "type(1) == int && type('a') == string && type(type(1)) == type && type(null) == null_type",
    "type(1u) == uint && type(1.5) == double && type(b'') == bytes && type({}) == map",
    # time
    "timestamp('2020-02-03T04:05:06.789Z').getMonth() == 1",
    "timestamp('2020-02-03T04:05:06.789Z').getDayOfMonth() == 2",
    "timestamp('2020-02-03T04:05:06.789Z').getDate() == 3",
    "timestamp('2020-02-03T04:05:06.789Z').getDayOfYear() == 33",
    "timestamp('2020-02-03T04:05:06.789Z').getDayOfWeek() == 1",
    "timestamp('2020-02-03T04:05:06.789Z').getMilliseconds() == 789",
    "timestamp('2020-02-03T04:05:06Z').getHours('-02:00') == 2",
    "timestamp('2020-02-03T04:05:06Z').getHours('Europe/Zurich') == 5",
    "duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90",
    "duration('90m').getSeconds() == 5400 && duration('1500ms').getMilliseconds() == 1500",
    "timestamp(0).getFullYear() == 1970 && timestamp(timestamp(0)) == timestamp(0)",
    "duration('-1m') < duration('0') && duration(duration('1s')) == duration('1s')",
    # strings
    "'tacocat'.indexOf('c') == 2 && 'tacocat'.indexOf('c', 3) == 4",
    "'tacocat'.lastIndexOf('c') == 4 && 'tacocat'.lastIndexOf('c', 3) == 2",
    "'a-b-c'.replace('-', '+') == 'a+b+c' && 'a-b-c'.replace('-', '+', 1) == 'a+b-c'",
    "'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
    "'abc'.split('') == ['a', 'b', 'c'] && 'abc'.split('', 2) == ['a', 'bc']",
    "['a', 'b'].join() == 'ab' && ' a '.trim() == 'a' && 'aÄ'.lowerAscii() == 'aÄ'",
    "'abc'.endsWith('c') && 'abc'.contains('b') && 'abc'.substring(1, 2) == 'b'",
    "'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b2'.findAll('[0-9]', 1) == ['1']",
    "'x'.find('y') == '' && 'abc'.charAt(3) == ''",
    "'%d %x %X %o'.format([10, 255, 'Hi', 8]) == '10 ff 4869 10'",
    "'%b %e %%'.format([5, 1.5]) == '101 1.500000\u00d710\u2070\u2070 %'",
    """"%s".format([{'b': dyn('x'), 'a': [1.5]}]) == '{"a":[1.500000], "b":"x"}' """,
    "'%s %s'.format([null, [b'a']]) == 'null [b\"a\"]'",
    "'%s %x'.format([b'ab', b'ab']) == 'ab 6162'",
    # lists, maps, comprehensions
    "[3, 1, 2].min() == 1 && [3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b']",
    "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].lastIndexOf(3) == -1",
    "[1, 2, 3].slice(1, 2) == [2] && [].last().hasValue() == false && [1, 2].last().value() == 2",
    "[[[1], [2]], [[3]]].flatten(2) == [1, 2, 3]",
    "[].sum() == 0",
    "[duration('1s')].sum() == duration('1s')",
    "sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])",
    "{'a': 1, 'b': 2}.exists(k, v, v == 2) && {'a': 1}.existsOne(k, v, k == 'a')",
    "{'a': 1}.transformList(k, v, v > 0, k) == ['a']",
    "{'a': 1, 'b': 0}.transformMap(k, v, v > 0, v * 2) == {'a': 2}",
    "{'a': 1}.transformMapEntry(k, v, {string(v): k}) == {'1': 'a'}",
    "[1, 2].map(i, i > 1, i * 2) == [4]",
    "{'a': 1}.map(k, k) == ['a']",
    "{'a': 1}.filter(k, true) == ['a']",
    "[1, 2].exists(i, 10 / (i - 1) > 5) && ![0, 1].all(i, 1 / i < 0)",
    "[[1, 2], [3]].all(a, a.all(b, b > 0)) && [1, 2].all(i, [1, 2].exists(j, i == j))",
    # optionals
    "{'a': {'b': 1}}.?a.b.value() == 1 && !{'a': {}}.?a.?b.hasValue() && !{}.?a.b.hasValue()",
    "[1][?0].value() == 1 && ![1][?3].hasValue() && {'a': [1]}.?a[0].value() == 1",
    "optional.none().or(optional.of(2)).value() == 2",
    "optional.of(1).or(optional.of(2)).value() == 1",
    "optional.of(1).orValue(x.y) == 1 && optional.ofNonZeroValue(0).hasValue() == false",
    "optional.ofNonZeroValue('a').value() == 'a'",
    "optional.of(2).optFlatMap(v, optional.of(v)).value() == 2",
    "!optional.none().optMap(v, v + 1).hasValue() && has({'a': {'x': 1}}.?b.c) == false",
    "has({'a': {'b': 1}}.?a.b) && [?optional.of(1), 2] == [1, 2] && {?'a': optional.none()} == {}",
    # addresses, networks, quantities, URLs, versions, formats
    "ip('fe80::1').isLinkLocalUnicast()",
    "ip('224.0.0.1').isLinkLocalMulticast()",
    "ip('ff02::1').isLinkLocalMulticast()",
    "ip('0.0.0.0').isUnspecified()",
    "ip('8.8.8.8').isGlobalUnicast()",
    "!ip('127.0.0.1').isGlobalUnicast()",
    "isIP('::1')",
    "!isIP('::1%eth0')",
    "!isIP('::ffff:1.2.3.4')",
    "!isIP('1.2.3')",
    "ip('::1').family() == 6",
    "cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
    "string(cidr('10.0.0.0/8')) == '10.0.0.0/8'",
    "isCIDR('::/0')",
    "!isCIDR('10.0.0.0/33')",
    "!isCIDR('10.0.0.0/08')",
    "!isCIDR('x/8')",
    "!cidr('10.0.0.0/8').containsIP('::1')",
    "cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/8'))",
    "quantity('1k').compareTo(quantity('1000')) == 0 && quantity('1').isLessThan(quantity('2'))",
    "sign(quantity('-1')) == -1",
    "quantity('1.5').isInteger() == false",
    "quantity('1.5').asApproximateFloat() == 1.5",
    "quantity('1').sub(1) == quantity('0')",
    "isQuantity('1e3')",
    "quantity('1e3') == quantity('1000')",
    "url('https://u@h:8/p%20q?a=b&a=c').getScheme() == 'https'",
    "url('/a b'.replace(' ', '')).getHost() == ''",
    "url('http://h:8/p').getHostname() == 'h'",
    "url('http://h:8/p').getPort() == '8'",
    "url('http://h/p').getPort() == ''",
    "url('http://h/p').getEscapedPath() == '/p' && !isURL('h/p')",
    "isURL('http://h/ x') && !isURL('http://h x/')",
    "semver('1.2.3').isLessThan(semver('1.10.0'))",
    "semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
    "semver('1.0.0').isGreaterThan(semver('0.9.9'))",
    "semver('1.2.3').minor() + semver('1.2.3').patch() == 5",
    "semver('1.0.0').compareTo(semver('1.0.0')) == 0 && isSemver('1.2.3+b') && !isSemver('1.2')",
    "!format.dns1123Subdomain().validate('a.b').hasValue()",
    "format.labelValue().validate('-').hasValue()",
    "format.named('uuid').value().validate('x').value() == ['does not match the UUID format']",
    "!format.named('nothing').hasValue() && !format.dns1035LabelPrefix().validate('a-').hasValue()",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_an_expression_that_holds(text: str) -> None:
    assert run(text) is True


FAULTS = {
    "a missing key": ("{'a': 1}.b == 1", "no such key: b"),
    "a missing index": ("[1][3] == 1", "index out of bounds: 3"),
    "an index of another type": ("dyn([1])['a'] == 1", "unsupported index type 'string' in list"),
    "a true key": ("dyn({'a': 1})[true] == 1", "no such key"),
    "a field of a number": ("dyn(1).a == 1", "no such key: a"),
    "a large sum": ("9223372036854775807 + n > 0", "integer overflow"),
    "a negative uint": ("1u - 2u == 0u", "unsigned integer overflow"),
    "division by zero": ("1 / (n - 5) == 1", "division by zero"),
    "modulus by zero": ("1 % (n - 5) == 1", "modulus by zero"),
    "adding a text": ("dyn('a') + 1 == 2", "no such overload"),
    "subtracting texts": ("dyn('a') - dyn('b') == 2", "no such overload"),
    "multiplying texts": ("dyn('a') * dyn('b') == 2", "no such overload"),
    "dividing texts": ("dyn('a') / dyn('b') == 2", "no such overload"),
    "modulus of doubles": ("dyn(1.0) % dyn(1.0) == 2", "no such overload"),
    "negating a text": ("-dyn('a') == 2", "no such overload"),
    "denying a number": ("!dyn(1)", "no such overload"),
    "comparing a list": ("dyn([1]) < dyn([2])", "no such overload"),
    "searching a number": ("1 in dyn(2)", "no such overload"),
    "choosing by a number": ("dyn(1) ? true : false", "no such overload"),
    "joining a number": ("dyn(1) && true", "no such overload"),
    "looping over a number": ("dyn(1).all(i, true)", "no such overload"),
    "looping over a number twice": ("dyn(1).all(i, j, true)", "no such overload"),
    "a condition that is a number": ("[1].all(i, dyn(i))", "no such overload"),
    "a fault in every item": ("[0].all(i, 1 / i == 1)", "division by zero"),
    "no value": ("optional.none().value() == 1", "optional.none() dereference"),
    "the value of a number": ("dyn(1).value() == 1", "no such overload"),
    "the other of a number": ("dyn(1).orValue(1) == 1", "no such overload"),
    "mapping a number": ("dyn(1).optMap(v, v).hasValue()", "no such overload"),
    "a text that is no number": ("int('a') == 1", "type conversion error from 'string' to 'int'"),
    "a text that is no double": ("double('a') == 1.0", "type conversion error from"),
    "a double that is too large": ("int(1e30) == 1", "integer overflow"),
    "a list as a number": ("int(dyn([])) == 1", "no such overload"),
    "a duration as a uint": ("uint(duration('1s')) == 1u", "no such overload"),
    "a list as a double": ("double(dyn([])) == 1.0", "no such overload"),
    "a text that is no truth": ("bool('maybe')", "type conversion error from"),
    "a list as a text": ("string(dyn([])) == ''", "no such overload"),
    "a number as bytes": ("bytes(dyn(1)) == b''", "no such overload"),
    "no duration": ("duration('1x' + s) == duration('1s')", "type conversion error from"),
    "a duration of a list": ("duration(dyn([])) == duration('1s')", "no such overload"),
    "no time": ("timestamp(s) == timestamp(0)", "type conversion error from"),
    "a time that is not": (
        "timestamp('2020-02-30T00:00:0' + '0Z') == timestamp(0)", "type conversion error from",
    ),
    "a time of a list": ("timestamp(dyn([])) == timestamp(0)", "no such overload"),
    "a time too late": (
        "timestamp('9999-12-31T00:00:00Z') + duration('48h') > timestamp(0)", "timestamp overflow",
    ),
    "an unknown zone": ("timestamp(0).getHours('Nowhere') == 1", "unknown time zone Nowhere"),
    "the hours of a text": ("dyn('a').getHours() == 1", "no such overload"),
    "a pattern that is none": ("'a'.matches(s + '(')", "error parsing regexp"),
    "matching a number": ("dyn(1).matches('a')", "no such overload"),
    "the size of a number": ("size(dyn(1)) == 1", "no such overload"),
    "the sum of a text": ("dyn('a').sum() == 1", "no such overload"),
    "the least of nothing": ("[].min() == 1", "min called on empty list"),
    "a slice beyond": ("[1].slice(0, 3) == []", "cannot slice(0, 3)"),
    "a character beyond": ("'a'.charAt(5) == ''", "index out of range: 5"),
    "a search from before": ("'a'.indexOf('a', -5) == 0", "index out of range: -5"),
    "a search back from before": ("'a'.lastIndexOf('a', -5) == 0", "index out of range: -5"),
    "a part beyond": ("'a'.substring(5) == ''", "index out of range: 5"),
    "a part backwards": ("'abc'.substring(2, 1) == ''", "invalid substring range"),
    "joining numbers": ("dyn([1]).join() == ''", "no such overload"),
    "joining a text": ("dyn('a').join() == ''", "no such overload"),
    "too few values": ("'%s %s'.format([1]) == ''", "not enough arguments"),
    "an unknown clause": ("'%q'.format([1]) == ''", "unrecognized formatting clause"),
    "a clause of another type": ("'%f'.format(['a']) == ''", "cannot be formatted with %f"),
    "joining by a number": ("['a'].join(dyn(1)) == ''", "no such overload"),
    "an argument of another type": ("[1].slice(dyn('a'), 1) == []", "no such overload: slice"),
    "an address of a number": ("ip(dyn(1)).family() == 4", "no such overload"),
    "no address": ("ip('x').family() == 4", "parse error during conversion"),
    "the family of a text": ("dyn('a').family() == 4", "no such overload"),
    "the prefix of a text": ("dyn('a').prefixLength() == 4", "no such overload"),
    "asking whether a number is an address": ("isIP(dyn(1))", "no such overload"),
    "no network": ("cidr('1.2.3.4').prefixLength() == 4", "no valid prefix"),
    "no quantity": ("sign(quantity('x')) == 1", "quantities must match"),
    "an amount of a text": ("sign(dyn('a')) == 1", "no such overload"),
    "no integer": ("quantity('0.5').asInteger() == 1", "cannot convert value to integer"),
    "no URL": ("url('x').getHost() == ''", "URL parse error"),
    "a URL with a bad port": ("url('http://a:x/').getHost() == ''", "URL parse error"),
    "the host of a text": ("dyn('a').getHost() == ''", "no such overload"),
    "no version": ("semver('x').major() == 1", "No Major.Minor.Patch elements"),
    "the major of a text": ("dyn('a').major() == 1", "no such overload"),
    "the format of a text": ("dyn('a').validate('a').hasValue()", "no such overload"),
    "an entry twice": ("[1, 2].transformMapEntry(i, v, {'a': v}) == {}", "already exists"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_an_expression_that_cannot_be_evaluated(text: str, said: str) -> None:
    with pytest.raises(Fault) as caught:
        run(text)
    assert said in str(caught.value)


REFUSED = {
    "an open bracket": ("(1", "mismatched input '<EOF>' expecting ')'"),
    "an open list": ("[1", "expecting ','"),
    "an open map": ("{'a': 1", "expecting ','"),
    "a lonely operator": ("1 +", "mismatched input '<EOF>'"),
    "too much": ("1 2", "mismatched input '2' expecting <EOF>"),
    "a character that means nothing": ("1 # 2", "token recognition error at: '#'"),
    "a wrong escape": (r"'\q' == ''", "invalid escape sequence"),
    "a reserved word": ("while", "reserved identifier: while"),
    "a number that is too large": ("9223372036854775808 > 0", "invalid int literal"),
    "a field without a name": ("x. ", "expecting IDENTIFIER"),
    "an endless nesting": ("(" * 300 + "1" + ")" * 300, "recursion limit exceeded"),
    "an unknown name": ("y == 1", "undeclared reference to 'y'"),
    "an unknown function": ("frob(1)", "undeclared reference to 'frob'"),
    "an unknown qualified function": ("math.abs(1) == 1", "undeclared reference to 'math'"),
    "a field of a text": ("s.y == 1", "type 'string' does not support field selection"),
    "an index of a list by a text": ("[1]['a'] == 1", "no matching overload for '_[_]'"),
    "adding a text and a number": ("s + n == s", "'_+_' applied to '(string, int)'"),
    "multiplying texts": ("s * s == s", "'_*_' applied to '(string, string)'"),
    "negating a text": ("-s == s", "'-_' applied to '(string)'"),
    "denying a number": ("!n", "'!_' applied to '(int)'"),
    "joining a number": ("n && true", "'_&&_' applied to '(int, bool)'"),
    "choosing by a number": ("n ? true : false", "'_?_:_' applied to '(int, bool, bool)'"),
    "comparing lists": ("[1] < [2]", "'_<_' applied to '(list, list)'"),
    "searching a text": ("n in s", "'@in' applied to '(int, string)'"),
    "the size of a number": ("size(n) == 1", "'size' applied to '(int)'"),
    "a prefix of a number": ("n.startsWith('a')", "'startsWith' applied to '(int, string)'"),
    "sorting a text": ("s.sort() == s", "'sort' applied to '(string)'"),
    "looping over a number": ("n.all(i, true)", "cannot be range of a comprehension"),
    "a loop without a name": ("[1].all(1, true)", "argument must be a simple name"),
    "a condition that is a number": ("[1].all(i, i)", "no matching overload for '_&&_'"),
    "a list of this and that": ("[1, 'a'].size() == 2", "but found 'string'"),
    "a map to this and that": ("{'a': 1, 'b': 'c'}.size() == 2", "expected type 'int' but found"),
    "too many arguments": ("s.startsWith('a', 'b')", "no matching overload for 'startsWith'"),
    "a method called as a function": ("startsWith(s, 'a')", "no matching overload for"),
    "a function called as a method": ("s.duration() == duration('1s')", "no matching overload"),
    "no duration": ("duration('1x') == duration('1s')", "invalid duration argument"),
    "no time": ("timestamp('x') == timestamp(0)", "invalid timestamp argument"),
    "has of a name": ("has(x)", "invalid argument to has() macro"),
    "a pattern that is none": ("s.matches('(')", "invalid matches argument"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_an_expression_that_does_not_compile(text: str, said: str) -> None:
    with pytest.raises(compiler.CompileError) as caught:
        compiler.compiled(text, VARIABLES)
    assert said in str(caught.value)


def test_an_error_shows_its_place_in_a_long_expression() -> None:
    with pytest.raises(compiler.CompileError) as caught:
        compiler.compiled("true &&\n  y", VARIABLES)
    assert str(caught.value) == (
        "compilation failed: ERROR: <input>:2:3: undeclared reference to 'y' (in container '')\n"
        " |   y\n"
        " | ..^"
    )


def test_a_long_chain_is_refused_or_evaluated_but_never_fails_otherwise() -> None:
    for length in (100, 1000):
        text = " && ".join(["n > 0"] * length)
        try:
            assert run(text) is True
        except compiler.CompileError as error:
            assert "recursion limit" in str(error)  # noqa: PT017 - either is right
        except Fault as error:
            assert "recursion limit" in str(error)  # noqa: PT017


def test_a_program_knows_which_variables_it_uses() -> None:
    assert compiler.compiled("x.all(n, n > 0)", VARIABLES).used == {"x"}
