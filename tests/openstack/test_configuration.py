"""Does what we write come back from oslo.config's reader, and nothing as syntax?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ouranos.openstack import configuration


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """The rules of oslo.config's own reader, in a few lines."""
    sections: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in map(str.rstrip, text.splitlines()):
        if not line:
            continue
        if line.startswith("["):
            current = sections.setdefault(line[1:-1], {})
            continue
        name, _, value = line.partition("=")
        value = value.strip()
        if value and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        current.setdefault(name.strip(), []).append(value.replace("$$", "$"))
    return sections


printable = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40
)


@given(printable)
def test_every_printable_value_comes_back_unchanged(value: str) -> None:
    text = configuration.render({"DEFAULT": {"region": value}, "other": {"a": 1}})
    assert read(text) == {"DEFAULT": {"region": [value]}, "other": {"a": ["1"]}}


@given(st.text(min_size=1, max_size=20), st.sampled_from("\n\r\x00\x0b\x0c\x1c\x85\u2028\u2029"))
def test_no_line_break_or_control_character_gets_in(value: str, bad: str) -> None:
    with pytest.raises(configuration.InvalidValueError):
        configuration.render({"DEFAULT": {"region": value + bad + value}})


@pytest.mark.parametrize("name", ["", "a b", "a]", "a=b", "a\nb", "[a", "#a"])
def test_no_name_breaks_out_of_its_line(name: str) -> None:
    with pytest.raises(configuration.InvalidValueError):
        configuration.render({"DEFAULT": {name: "x"}})
    with pytest.raises(configuration.InvalidValueError):
        configuration.render({name: {"a": "x"}})


def test_default_comes_first_and_empty_sections_are_left_out() -> None:
    text = configuration.render({"b": {"x": True}, "empty": {}, "DEFAULT": {"y": "z"}})
    assert text == "[DEFAULT]\ny = z\n\n[b]\nx = true\n"


def test_a_list_is_one_line_unless_its_option_is_read_once_per_line() -> None:
    text = configuration.render({"pci": {"alias": ["a", "b"], "other": ["a", "b"]}})
    assert text == "[pci]\nalias = a\nalias = b\nother = a,b\n"
    with pytest.raises(configuration.InvalidValueError):
        configuration.render({"pci": {"other": ["a,b"]}})


def test_what_a_person_wrote_keeps_its_references() -> None:
    written = {"a": configuration.Verbatim("$state_path/x"), "b": "$state_path/x"}
    assert configuration.render({"DEFAULT": written}).splitlines()[1:] == [
        "a = $state_path/x",
        "b = $$state_path/x",
    ]


def test_later_layers_win() -> None:
    assert configuration.merge({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}, "b": {"z": 4}}) == {
        "a": {"x": 3, "y": 2},
        "b": {"z": 4},
    }


def test_a_hypervisor_without_cinder_says_nothing_of_it() -> None:
    assert "cinder" not in configuration.nova_clients("R", volumes=False)
    sections = configuration.nova_clients("R", volumes=True)
    assert set(configuration.NOVA_LOGINS) <= sections.keys()
    assert all("password" not in options for options in sections.values())
