import pytest

from ouranos.images import accounts, building, catalog, definition
from ouranos.kit import errors

# What needs more than an unprivileged user without capabilities. Reviewed: a longer list is a
# decision, not a detail.
PRIVILEGED = {
    "node": {"catatonit"},
    "mariadb": set[str](),
    "rabbitmq": set[str](),
    "memcached": set[str](),
    "ovn": {"bridges", "look", "ovn-controller", "ovsdb-server", "vswitchd"},
    "openstack": {"metadata-agent", "nova-compute", "virtualization"},
    "libvirt": {"libvirtd", "prepare"},
    "controllers": set[str](),
}


def test_a_reference_comes_back_as_what_it_was_made_of() -> None:
    for name, image in catalog.ALL.items():
        parsed = catalog.parse(catalog.reference(name, "2026.2"))
        assert parsed == (image, "2026.2")


def test_the_controllers_bear_the_version_of_ouranos() -> None:
    version = catalog.version()
    assert catalog.reference("controllers", "2026.2") == f"ouranos.cloud/controllers:{version}"
    with pytest.raises(errors.Terminal, match=f"cannot be made here: this is {version}"):
        catalog.parse("ouranos.cloud/controllers:0.0.0")


def test_the_controllers_run_as_an_unprivileged_user_of_a_fixed_number() -> None:
    assert catalog.CONTROLLERS.user == accounts.OURANOS == 42499
    assert catalog.CONTROLLERS.name not in catalog.IMAGES


@pytest.mark.parametrize(
    "text",
    ["", "ovn", "ouranos.cloud/ovn", "ouranos.cloud/ovn:", "ouranos.cloud/none:1", "other/ovn:1"],
)
def test_what_names_no_image_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(errors.Terminal, match=r"names no image; there are ouranos\.cloud/node"):
        catalog.parse(text)


def test_each_image_says_which_of_its_programs_are_privileged_and_why() -> None:
    found = {
        name: {privilege.program for privilege in image.privileges}
        for name, image in catalog.ALL.items()
    }
    assert found == PRIVILEGED
    assert all(privilege.reason for image in catalog.ALL.values() for privilege in image.privileges)


def test_layers_are_stacked_lowest_first_and_each_once() -> None:
    for image in catalog.ALL.values():
        seen: list[definition.Layer] = []
        for layer in image.layers:
            assert set(layer.below()) <= set(seen)
            assert layer not in seen
            seen.append(layer)
        assert seen[0] is catalog.BASE
        assert seen[-1] is image.top


def test_one_name_is_one_layer() -> None:
    layers = {layer for image in catalog.ALL.values() for layer in image.layers}
    assert len({layer.name for layer in layers}) == len(layers)


def test_no_two_accounts_share_a_name_or_a_number() -> None:
    names = [entry.name for entry in (*accounts.ALL, *accounts.GROUPS)]
    numbers = [entry.number for entry in (*accounts.ALL, *accounts.GROUPS)]
    assert len(set(names)) == len(names)
    assert len(set(numbers)) == len(numbers)


def test_paths_are_absolute() -> None:
    for image in catalog.ALL.values():
        for layer in image.layers:
            for entry in (*layer.directories, *layer.files, *layer.links):
                assert entry.path.startswith("/")


def test_the_words_of_a_layer_can_be_written_down() -> None:
    for image in catalog.ALL.values():
        for layer in image.layers:
            assert building.digest(building.wording(layer))
