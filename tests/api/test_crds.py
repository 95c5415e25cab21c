"""Are the CRDs what an API server takes, and are the committed ones up to date?"""

import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
from pydantic import Discriminator, Field

from ouranos import services
from ouranos.api import crds, kinds, model, names, openstack, schema, service, values
from ouranos.kit import kinds as known
from ouranos.kit import objects

KNOWN = services.KNOWN.kinds


def test_the_cloud_is_installed_last() -> None:
    assert crds.generate(KNOWN)[-1]["metadata"]["name"] == "clouds.ouranos.cloud"


@pytest.mark.parametrize("kind", KNOWN)
def test_a_kind_shows_how_it_is(kind: str) -> None:
    version = crds.definition(KNOWN[kind])["spec"]["versions"][0]
    columns = [column["name"] for column in version["additionalPrinterColumns"]]
    assert {"Ready", "Reason", "Message"} <= set(columns)
    assert columns[-1] == "Age"
    assert "status" in version["subresources"]
    conditions = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"][
        "conditions"
    ]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_services_can_be_scaled_and_nothing_else() -> None:
    scalable = {kind for kind, definition in KNOWN.items() if definition.scalable}
    assert scalable == {one.kind.kind for one in services.KNOWN.pages}


def test_everything_that_people_write_is_described() -> None:
    bare = [
        place
        for kind, definition in KNOWN.items()
        for place in undescribed(definition.schema["properties"]["spec"], f"{kind}.spec")
    ]
    assert bare == []


def undescribed(part: dict[str, Any], place: str) -> list[str]:
    found = [] if part.get("description") or place.endswith("[]") else [place]
    for name, member in part.get("properties", {}).items():
        found += undescribed(member, f"{place}.{name}")
    for key in ("items", "additionalProperties"):
        if key in part:
            found += undescribed(part[key], f"{place}[]")
    return found


def test_the_kit_names_the_same_kinds() -> None:
    constants = (value for value in vars(known).values() if isinstance(value, objects.Kind))
    ours = {kind.kind: kind.plural for kind in constants if kind.group == names.GROUP}
    named = {kind.name.kind: kind.name.plural for kind in KNOWN.values()}
    assert ours.items() <= named.items()
    assert set(names.KINDS) <= set(ours)
    assert (known.GROUP, known.VERSION) == (names.GROUP, names.VERSION)


class HeatSettings(openstack.Settings):
    """What people may say of Heat."""

    stacks: Annotated[int, Field(ge=1)] = 7
    """How many."""


class Shared(model.Model):
    """What Heat is told of the cloud."""

    compute: openstack.Compute = openstack.Compute()


HEAT = service.Service(
    *("heat", "Heat", "heats", "stacks"),
    needs=("identity",),
    backing=("rabbitmq", "ovn"),
    settings=HeatSettings,
    shared=Shared,
)
IDENTITY = service.Service("identity", "Identity", "identities", "users")


def spec_of(kind: kinds.Definition) -> dict[str, Any]:
    return kind.schema["properties"]["spec"]["properties"]


def test_a_kind_follows_from_what_is_said_of_the_service() -> None:
    made = kinds.of([IDENTITY, HEAT])
    assert list(made)[:3] == ["Cloud", "Identity", "Heat"]
    crd = crds.definition(made["Heat"])
    assert crd["metadata"]["name"] == "heats.ouranos.cloud"
    spec = spec_of(made["Heat"])
    assert spec["stacks"]["default"] == 7
    assert spec["backing"]["default"] == {
        "rabbitmqRef": {"name": "rabbitmq"},
        "ovnRef": {"name": "ovn"},
    }
    assert set(spec["compute"]["properties"]) == {"virtualization", "datapath", "tunnelInterface"}
    assert "backing" not in spec_of(made["Identity"])


def test_a_cloud_may_name_the_services_that_there_are_and_no_others() -> None:
    spec = spec_of(kinds.of([IDENTITY, HEAT])["Cloud"])["services"]
    assert set(spec["properties"]) == {"identity", "heat"}
    assert spec["properties"]["heat"]["description"] == "Stacks."
    assert spec["properties"]["heat"]["properties"]["stacks"]["default"] == 7
    assert [rule.message for rule in spec["x-kubernetes-validations"]] == [
        "names no service",
        "Heat needs Identity, which this cloud does not have",
    ]


class Cat(model.Model):
    kind: Literal["cat", "tiger"] = "cat"


class Dog(model.Model):
    kind: Literal["dog", "wolf"] = "dog"


class Union(model.Model):
    either: Cat | Dog


class Tagged(model.Model):
    either: Annotated[Cat | Dog, Discriminator("kind")]


class Constant(model.Model):
    one: Literal["a"]


class Unbounded(model.Model):
    text: str


class UnboundedList(model.Model):
    texts: tuple[values.Line, ...]


class UnboundedMapping(model.Model):
    texts: dict[str, values.Line]


class Anything(model.Model):
    what: Any


class Limit(model.Model):
    count: Annotated[int, Field(gt=0)]


class Nothing(model.Model):
    what: None


class NullByDefault(model.Model):
    text: values.Line = None  # pyright: ignore[reportAssignmentType]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (Nothing, "Nothing.what: null is not a type"),
        (NullByDefault, "NullByDefault.text: a default cannot be null"),
        (Union, "Union.either: anyOf"),
        (Tagged, "Tagged.either: "),
        (Constant, "Constant.one: const"),
        (Unbounded, "Unbounded.text: maxLength is missing"),
        (UnboundedList, "UnboundedList.texts: maxItems is missing"),
        (UnboundedMapping, "UnboundedMapping.texts: maxProperties is missing"),
        (Anything, "Anything.what: there is no type"),
        (Limit, "Limit.count: exclusiveMinimum"),
    ],
)
def test_what_has_no_structural_form_is_refused(wrong: type[model.Model], place: str) -> None:
    with pytest.raises(schema.NotStructural, match=place):
        schema.structural(wrong)


def test_what_the_command_line_needs_first_costs_no_pydantic() -> None:
    code = (
        "import sys, ouranos.api.names, ouranos.api.errors; "
        "sys.exit('pydantic' in sys.modules or 'yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
