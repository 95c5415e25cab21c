"""Is a wrong file refused with one precise mistake, whatever is wrong with it?"""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from ouranos import services
from ouranos.api import errors, load

KNOWN = services.KNOWN.kinds
RELEASES = ("2026.1", "2026.2")
HEAD = """\
apiVersion: ouranos.cloud/v1alpha1
kind: Cloud
metadata:
  name: home
"""
SPEC = """\
spec:
  release: "2026.2"
"""
SERVICES = """\
  services:
    keystone: {}
"""
GOOD = HEAD + SPEC + SERVICES


@dataclass(frozen=True)
class Case:
    """A text, the place of the mistake, and what its message and its hint say."""

    text: str | bytes
    line: int
    column: int
    message: str
    hint: str


CASES = {
    "an unknown field": Case(
        HEAD + SPEC + "  reginn: here\n" + SERVICES,
        7,
        3,
        "spec.reginn: is not a field of spec",
        'did you mean "region"?',
    ),
    "a field in snake case": Case(
        HEAD + SPEC + "  network: {public_host: a}\n" + SERVICES,
        7,
        13,
        "spec.network.public_host: is not a field of spec.network",
        'did you mean "publicHost"?',
    ),
    "an unknown field at the top": Case(
        HEAD + "sepc: {}\n" + SPEC + SERVICES, 5, 1, "sepc: is not a field of", 'mean "spec"'
    ),
    "an unknown field of metadata": Case(
        GOOD.replace("  name:", "  nname: x\n  name:"),
        4,
        3,
        "metadata.nname: is not",
        'mean "name"',
    ),
    "a field unlike any": Case(
        HEAD + SPEC + "  compute: {zzz: 1}\n" + SERVICES,
        7,
        13,
        "spec.compute.zzz: is not a field",
        "write one of virtualization, datapath",
    ),
    "an unknown service": Case(
        GOOD + "    novva: {}\n",
        9,
        5,
        "spec.services.novva: is not a service that Ouranos knows",
        'did you mean "nova"?',
    ),
    "a service of another project": Case(
        GOOD + "    ironic: {}\n", 9, 5, "spec.services.ironic: is not a service", "write one of"
    ),
    "a service without a value": Case(
        GOOD + "    glance:\n",
        9,
        5,
        "spec.services.glance: has no value",
        "write glance: {} for defaults",
    ),
    "an option without a value": Case(
        HEAD + SPEC + "  region:\n" + SERVICES, 7, 3, "spec.region: has no value", "give it a value"
    ),
    "Nova without Placement": Case(
        HEAD + SPEC + "  services: {keystone: {}, glance: {}, neutron: {}, nova: {}}\n",
        7,
        53,
        "spec.services.nova: Nova needs Placement",
        "add placement: {} to spec.services, or remove nova",
    ),
    "a release that is a number": Case(
        HEAD + "spec:\n  release: 2026.2\n" + SERVICES,
        6,
        12,
        "spec.release: 2026.2: is a number and must be text",
        'write it in quotes: "2026.2"',
    ),
    "a release that is another number than it looks": Case(
        HEAD + "spec:\n  release: 2026.20\n" + SERVICES,
        6,
        12,
        "spec.release: 2026.20: is a number",
        '"2026.20"',
    ),
    "a release that we do not know": Case(
        HEAD + 'spec:\n  release: "2025.2"\n' + SERVICES,
        6,
        12,
        'spec.release: "2025.2": is not a release that this Ouranos knows',
        'did you mean "2026.2"?',
    ),
    "a release that is a date": Case(
        HEAD + "spec:\n  release: 2026-02-01\n" + SERVICES,
        6,
        12,
        'spec.release: "2026-02-01": is not an OpenStack release',
        '"2026.2"',
    ),
    "no release": Case(
        HEAD + "spec:\n" + SERVICES, 5, 1, "spec.release: is missing", "add release: The OpenStack"
    ),
    "no spec": Case(HEAD, 1, 1, "spec: is missing", "add spec"),
    "no name": Case(
        GOOD.replace("  name: home", "  labels: {}"),
        3,
        1,
        "metadata.name: is missing",
        "add a name",
    ),
    "no kind": Case(
        "apiVersion: ouranos.cloud/v1alpha1\n", 1, 1, "kind: is missing", "an object has"
    ),
    "a name that is a number": Case(
        GOOD.replace("home", "7"), 4, 9, "metadata.name: 7: is not a name", "use a-z"
    ),
    "a name of a namespace of Kubernetes": Case(
        GOOD.replace("home", "default"), 4, 9, 'metadata.name: "default": is a namespace', "home"
    ),
    "another namespace than the cloud's": Case(
        GOOD.replace("  name: home", "  name: home\n  namespace: other"),
        5,
        14,
        'metadata.namespace: "other": a cloud lives in the namespace of its own name',
        "remove the line",
    ),
    "labels in a list": Case(
        GOOD.replace("  name: home", "  name: home\n  labels: [a]"),
        5,
        3,
        "metadata.labels: must be a mapping",
        "in the lines below",
    ),
    "a label that is a number": Case(
        GOOD.replace("  name: home", "  name: home\n  labels: {tier: 1}"),
        5,
        18,
        "metadata.labels.tier: 1: must be text",
        "in quotes",
    ),
    "metadata that is text": Case(
        GOOD.replace("metadata:\n  name: home", "metadata: home"),
        3,
        11,
        "metadata: must be a mapping",
        "write metadata: {name: home}",
    ),
    "a mapping for text": Case(
        HEAD + SPEC + "  region: {name: x}\n" + SERVICES,
        7,
        3,
        "spec.region: is a mapping and must be text",
        "write text",
    ),
    "a mapping for a list": Case(
        HEAD + SPEC + "  services:\n    keystone: {policy: [a]}\n",
        8,
        16,
        "spec.services.keystone.policy: is a list and must be a mapping",
        "write its fields",
    ),
    "an option longer than any": Case(
        HEAD + SPEC + f"  services:\n    keystone: {{config: {{a: {{b: {'x' * 4097}}}}}}}\n",
        8,
        32,
        "is longer than 4096 characters",
        "shorten it",
    ),
    "more values of an option than any": Case(
        HEAD + SPEC + f"  services:\n    keystone: {{config: {{a: {{b: [{'x,' * 257}]}}}}}}\n",
        8,
        29,
        "has more than 256 items",
        "shorten the list",
    ),
    "another group": Case(
        GOOD.replace("ouranos.cloud/v1alpha1", "apps/v1"),
        1,
        13,
        'apiVersion: "apps/v1": is not an API of Ouranos',
        "write apiVersion: ouranos.cloud/v1alpha1",
    ),
    "an unknown kind": Case(
        GOOD.replace("Cloud", "Claud"), 2, 7, 'kind: "Claud": is not a kind', 'mean "Cloud"'
    ),
    "a kind that is a list": Case(
        GOOD.replace("kind: Cloud", "kind: [Cloud]"), 2, 1, "kind: is not a kind", "did you mean"
    ),
    "text for a number": Case(
        HEAD + SPEC + '  network: {mtu: "1500"}\n' + SERVICES,
        7,
        18,
        'spec.network.mtu: "1500": is text and must be a whole number',
        "write 1500 without quotes",
    ),
    "a fraction for a number": Case(
        HEAD + SPEC + "  network: {mtu: 1500.5}\n" + SERVICES,
        7,
        18,
        "spec.network.mtu: 1500.5: is a number and must be a whole number",
        "write a whole number",
    ),
    "a number for text": Case(
        HEAD + SPEC + "  region: 7\n" + SERVICES, 7, 11, "spec.region: 7: is a number", '"7"'
    ),
    "a country for text": Case(
        HEAD + SPEC + "  region: no\n" + SERVICES,
        7,
        11,
        "spec.region: no: is true or false and must be text",
        'write it in quotes: "no"',
    ),
    "text for a mapping": Case(
        HEAD + SPEC + "  network: 10.0.0.0/24\n" + SERVICES,
        7,
        12,
        'spec.network: "10.0.0.0/24": is text and must be a mapping',
        "write its fields",
    ),
    "a list for a mapping": Case(
        HEAD + SPEC + "  services: [keystone]\n",
        7,
        3,
        "spec.services: is a list and must be a mapping",
        "write its fields",
    ),
    "a choice misspelt": Case(
        HEAD + SPEC + "  compute: {virtualization: kwm}\n" + SERVICES,
        7,
        29,
        'spec.compute.virtualization: "kwm": is not one of auto, kvm, qemu',
        'did you mean "kvm"?',
    ),
    "a choice that is a boolean": Case(
        HEAD + SPEC + "  management: on\n" + SERVICES,
        7,
        15,
        "spec.management: on: is not one of Running, Paused",
        'write it in quotes: "on"',
    ),
    "an MTU too small": Case(
        HEAD + SPEC + "  network:\n    mtu: 1200\n" + SERVICES,
        8,
        10,
        "spec.network.mtu: 1200: cannot fit Geneve",
        "use 1500",
    ),
    "too many replicas": Case(
        HEAD + SPEC + "  services:\n    keystone: {replicas: 33}\n",
        8,
        26,
        "spec.services.keystone.replicas: 33: must be at most 32",
        "write 32 or less",
    ),
    "networks that overlap": Case(
        HEAD + SPEC + "  network:\n    public: 172.31.0.128/25\n" + SERVICES,
        8,
        13,
        'spec.network.public: "172.31.0.128/25": overlaps the management network',
        "choose networks that share no address",
    ),
    "a region with a line break": Case(
        HEAD + SPEC + '  region: "a\\nb"\n' + SERVICES,
        7,
        11,
        'spec.region: "a\\nb": must be one line',
        "remove control characters",
    ),
    "a region too long": Case(
        HEAD + SPEC + f"  region: {'x' * 256}\n" + SERVICES,
        7,
        11,
        "is longer than 255 characters",
        "shorten it",
    ),
    "a section that would end": Case(
        HEAD + SPEC + '  services:\n    keystone: {config: {"a]": {b: 1}}}\n',
        8,
        25,
        'spec.services.keystone.config.a]: "a]": is not the name of a section',
        "use letters",
    ),
    "a section that is two lines": Case(
        HEAD + SPEC + '  services:\n    keystone: {config: {"a]\\nb": {c: 1}}}\n',
        8,
        25,
        'spec.services.keystone.config.a]\\nb: "a]\\nb": is not the name of a section',
        "use letters",
    ),
    "an option that would be two": Case(
        HEAD + SPEC + '  services:\n    keystone: {config: {a: {"b = c\\nd": 1}}}\n',
        8,
        29,
        "is not the name of an option",
        "use letters",
    ),
    "an option with a mapping": Case(
        HEAD + SPEC + "  services:\n    keystone: {config: {a: {b: {c: d}}}}\n",
        8,
        29,
        "spec.services.keystone.config.a.b: must be text, a number",
        "never a mapping",
    ),
    "a list of options with a line break": Case(
        HEAD + SPEC + '  services:\n    keystone: {config: {a: {b: [x, "y\\nz"]}}}\n',
        8,
        29,
        "spec.services.keystone.config.a.b: must be one line",
        "remove line breaks",
    ),
    "a password": Case(
        HEAD + SPEC + "  services:\n    keystone: {config: {DEFAULT: {admin_password: x}}}\n",
        8,
        35,
        "would put a secret into a file that people edit",
        "keeps it in a Secret",
    ),
    "the address of a database": Case(
        HEAD + SPEC + "  services:\n    keystone: {config: {database: {connection: x}}}\n",
        8,
        36,
        "would put a secret into a file that people edit",
        "keeps it in a Secret",
    ),
    "credentials in a URL": Case(
        HEAD + SPEC + '  services:\n    keystone: {config: {a: {url: "http://me:pw@there/"}}}\n',
        8,
        34,
        "holds credentials in a URL",
        "keeps it in a Secret",
    ),
    "a number that does not end": Case(
        HEAD + SPEC + "  services:\n    keystone: {config: {a: {b: .inf}}}\n",
        8,
        32,
        ".inf is read as a number by some and as text by others",
        "in quotes",
    ),
    "an octal number": Case(
        HEAD + SPEC + "  network: {mtu: 02734}\n" + SERVICES,
        7,
        18,
        "02734 is read as a number by some and as text by others",
        'write "02734" in quotes',
    ),
    "an octal number of YAML 1.2": Case(
        HEAD + SPEC + "  region: 0o17\n" + SERVICES, 7, 11, "0o17 is read as a number", "in quotes"
    ),
    "a number to the base of 60": Case(
        HEAD + SPEC + "  region: 12:30\n" + SERVICES, 7, 11, "12:30 is read as a number", "quotes"
    ),
    "a number of more than 64 bits": Case(
        HEAD + SPEC + "  network: {mtu: 99999999999999999999}\n" + SERVICES,
        7,
        18,
        "does not fit into 64 bits",
        "smaller",
    ),
    "a key that is a boolean": Case(
        HEAD + SPEC + "  no: x\n" + SERVICES,
        7,
        3,
        "the key no is not text",
        'write "no": in quotes',
    ),
    "a key that is a list": Case("? [a]\n: b\n", 1, 3, "a key must be a single text", "one word"),
    "a duplicate key": Case(
        HEAD + SPEC + '  release: "2026.1"\n' + SERVICES,
        7,
        3,
        "the key release is there twice, first in line 6",
        "remove one of them",
    ),
    "an unknown tag": Case(
        HEAD + SPEC + "  region: !!python/name:os.system x\n" + SERVICES,
        7,
        11,
        "means nothing here",
        "remove the tag",
    ),
    "a merge of text": Case("a: {<<: b}\n", 1, 5, "<< merges mappings only", "alias"),
    "an alias of nothing": Case("a: *b\n", 1, 4, "*b stands for nothing", "put &b before"),
    "an alias of what it is in": Case(
        "a: &a [*a]\n", 1, 8, "*a stands for what it is part of", "put &a before"
    ),
    "a bomb of aliases": Case(
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{k}: &{k} [{','.join(['*' + j] * 10)}]\n" for j, k in ("ab", "bc", "cd", "de")),
        5,
        8,
        "the file has more than 20000 values",
        "write less",
    ),
    "a deep nest": Case("[" * 100_000, 1, 33, "nested more than 32 levels deep", "flatter"),
    "many values": Case("- x\n" * 20_001, 20_000, 3, "more than 20000 values", "write less"),
    "a tab": Case(HEAD + "spec:\n\trelease: x\n", 6, 1, "a tab in the indentation", "with blanks"),
    "two colons": Case(
        "a: b: c\n", 1, 5, "this is not YAML: mapping values", "look at indentation"
    ),
    "a bracket that stays open": Case("a: [1,\n", 2, 1, "this is not YAML", "look at indentation"),
    "an empty file": Case("", 1, 1, "the file describes nothing", "examples/solo.yaml"),
    "a file of comments": Case("# x\n---\n---\n", 1, 1, "describes nothing", "examples/solo.yaml"),
    "text": Case("hello\n", 1, 1, "an object is a mapping", "begin with apiVersion"),
    "a list": Case("- a\n", 1, 1, "an object is a mapping", "begin with apiVersion"),
    "a byte that is not UTF-8": Case(
        HEAD.encode() + "  # Düd".encode() + b"\xff\n",
        5,
        8,
        "the byte 0xff is not UTF-8",
        "as UTF-8",
    ),
    "UTF-16": Case(GOOD.encode("utf-16"), 1, 1, "the byte 0xff is not UTF-8", "as UTF-8"),
    "Latin-1": Case(
        HEAD.encode() + "  # Düdingen".encode("latin-1"), 5, 6, "the byte 0xfc is not", "as UTF-8"
    ),
    "a NUL": Case("a: \x00\n", 1, 4, "there is a control character, U+0000", "remove it"),
    "an escape": Case("a: \x1b[31m\n", 1, 4, "there is a control character, U+001B", "remove it"),
    "half of a surrogate pair": Case(
        HEAD + SPEC + '  region: "\\ud800"\n' + SERVICES, 7, 14, "this is not YAML", "look at"
    ),
    "two clouds of one name": Case(
        GOOD + "---\n" + GOOD,
        13,
        9,
        'metadata.name: "home": there are two of Cloud home, the first in line 4',
        "remove one",
    ),
    "a service without a cloud": Case(
        "apiVersion: ouranos.cloud/v1alpha1\nkind: Keystone\nmetadata: {name: keystone}\n"
        'spec: {release: "2026.2"}\n',
        3,
        1,
        "metadata.namespace: is missing",
        "add metadata.namespace",
    ),
}


def load_text(text: str | bytes) -> list[load.Object]:
    content = text if isinstance(text, bytes) else text.encode()
    return load.load(io.BytesIO(content), known=KNOWN, releases=RELEASES)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_file_is_refused_with_one_mistake(case: Case) -> None:
    with pytest.raises(errors.InputError) as caught:
        load_text(case.text)
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.column) == (case.line, case.column)
    assert case.message in mistake.message
    assert case.hint in mistake.hint


def test_what_is_printed_is_what_editors_and_people_read() -> None:
    with pytest.raises(errors.InputError) as caught:
        load_text(HEAD + SPEC + "  network:\n    mtu: 1200\n" + SERVICES)
    assert str(caught.value) == (
        "standard input:8:10: spec.network.mtu: 1200: cannot fit Geneve: headers take 58 bytes, "
        "and IPv6 needs 1280\n"
        "  hint: use 1500, the MTU of Ethernet, or at least 1338"
    )


def test_each_of_several_mistakes_is_told_in_the_order_of_the_file() -> None:
    with pytest.raises(errors.InputError) as caught:
        load_text(HEAD + "spec:\n  release: 7\n  reginn: x\n" + SERVICES)
    assert [mistake.line for mistake in caught.value.mistakes] == [6, 7]


def test_a_good_file_is_given_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert load.load(path, known=KNOWN, releases=RELEASES) == [
        {
            "apiVersion": "ouranos.cloud/v1alpha1",
            "kind": "Cloud",
            "metadata": {"name": "home", "namespace": "home"},
            "spec": {"release": "2026.2", "services": {"keystone": {}}},
        }
    ]


def test_anchors_and_merge_keys_mean_what_they_mean_to_kubectl() -> None:
    text = (
        HEAD
        + SPEC
        + (
            "  services:\n"
            "    keystone: &all {replicas: 2, config: {DEFAULT: {debug: yes, workers: 3}}}\n"
            "    glance: {<<: *all, replicas: 3}\n"
            "    placement: *all\n"
        )
    )
    (cloud,) = load_text(text)
    services = cloud["spec"]["services"]
    assert services["glance"] == {
        "replicas": 3,
        "config": {"DEFAULT": {"debug": True, "workers": 3}},
    }
    assert services["placement"] == services["keystone"]


def test_what_an_export_of_kubectl_adds_is_dropped() -> None:
    text = GOOD.replace(
        "  name: home", "  name: home\n  uid: x\n  creationTimestamp: null\n  resourceVersion: '7'"
    )
    (cloud,) = load_text(text + "status: {whatever: 1}\n")
    assert cloud == load_text(GOOD)[0]


def test_other_objects_go_to_the_cloud_of_the_file() -> None:
    claim = (
        "---\napiVersion: ouranos.cloud/v1alpha1\nkind: Database\nmetadata: {name: mine}\n"
        "spec: {mariadbRef: {name: mariadb}, database: mine, secretRef: {name: mine}}\n"
    )
    _, database = load_text(GOOD + claim)
    assert database["metadata"] == {"name": "mine", "namespace": "home"}


def test_a_tagged_text_stays_text() -> None:
    (cloud,) = load_text(HEAD + "spec:\n  release: !!str 2026.2\n" + SERVICES)
    assert cloud["spec"]["release"] == "2026.2"


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "nul", "unreadable"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "unreadable":
        path = Path("/proc/self/mem")
    elif what == "nul":
        path = Path("a\0b")
    with pytest.raises(errors.InputError) as caught:
        load.load(path, known=KNOWN, releases=RELEASES)
    (mistake,) = caught.value.mistakes
    assert mistake.line == 0
    assert str(mistake).replace("\n", "").isprintable()


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(errors.InputError, match="larger than 1,000,000 bytes"):
        load.load(path, known=KNOWN, releases=RELEASES)


def test_a_place_is_found_for_what_a_server_refuses() -> None:
    text = HEAD + SPEC + "  region: b\n  services:\n    nova:\n      config: {a: {b.c: 1}}\n"
    (document,) = load.unchecked(io.BytesIO(text.encode()))
    assert document.locate("spec.region") == (7, 11)
    assert document.locate("spec.network.public") == (5, 1)
    assert document.locate("spec.services.nova.config[a][b.c]") == (10, 25)
    assert document.locate('spec.services.nova.config.a["b.c"]') == (10, 25)
    assert document.locate("") == (1, 1)


@hypothesis.given(strategies.binary(max_size=200))
def test_no_bytes_whatsoever_raise_anything_else(content: bytes) -> None:
    with pytest.raises(errors.InputError):
        load_text(content)


@hypothesis.given(
    strategies.lists(
        strategies.sampled_from(
            [
                *"{}[],:-&*!|>'\"%@`#?\n\t ",
                "a",
                "b: ",
                "- ",
                "<<: ",
                "&a ",
                "*a",
                "1",
                "~",
                "\n  ",
                "---\n",
            ]
        ),
        max_size=40,
    )
)
def test_no_broken_yaml_raises_anything_else(parts: list[str]) -> None:
    with pytest.raises(errors.InputError):
        load_text("".join(parts))


@hypothesis.given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
        lambda inner: (
            strategies.lists(inner, max_size=3)
            | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_no_spec_whatsoever_raises_anything_else(spec: object) -> None:
    import json  # noqa: PLC0415

    text = HEAD + "spec: " + json.dumps(spec, ensure_ascii=True) + "\n"
    with pytest.raises(errors.InputError):
        load_text(text)
