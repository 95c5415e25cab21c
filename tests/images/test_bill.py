"""Does a bill of materials say what is in an image, in words that others read?"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packageurl import PackageURL

from ouranos import releases
from ouranos.images import bill, catalog, environment, own, tree
from ouranos.images.ledger import Content

RELEASE = releases.find("2026.2")
LOCKED = environment.find("openstack", RELEASE)
DEBIAN = (
    Content("libstdc++6", "14.2.0-19", "a" * 64),
    Content("qemu-utils", "1:10.0.13+ds-0+deb13u1", "b" * 64),
    Content("bash", "5.2.37-2+b10", "c" * 64),
)
MEMCACHED = bill.Ingredients("memcached", "2026.2", "trixie", DEBIAN)
OPENSTACK = replace(
    MEMCACHED,
    name="openstack",
    locked=LOCKED,
    python=(("keystone", "30.0.0"), ("oslo.config", "11.0.0"), ("ouranos-runtime", "0.1.0")),
)


def parts(image: bill.Ingredients) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in json.loads(bill.written(image))["components"]}


def refused(text: str) -> object:
    """What CycloneDX's own schema has against a bill; None when it keeps it."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - heavy, and not needed to collect
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


@pytest.mark.parametrize("image", [MEMCACHED, OPENSTACK], ids=lambda image: image.name)
def test_it_keeps_the_schema_of_cyclonedx(image: bill.Ingredients) -> None:
    assert refused(bill.written(image)) is None


def test_the_schema_would_refuse_what_is_wrong() -> None:
    wrong = bill.written(MEMCACHED).replace('"SHA-256"', '"SHA-0"')
    assert refused(wrong) is not None


def test_every_package_has_the_name_by_which_the_world_knows_it() -> None:
    found = parts(OPENSTACK)
    for package in DEBIAN:
        url = PackageURL.from_string(found[package.name]["purl"])
        assert (url.type, url.namespace, url.name) == ("deb", "debian", package.name)
        assert (url.version, url.qualifiers) == (package.version, {"distro": "trixie"})
        assert found[package.name]["hashes"] == [{"alg": "SHA-256", "content": package.sha256}]
    url = PackageURL.from_string(found["oslo-config"]["purl"])
    assert (url.type, url.name, url.version) == ("pypi", "oslo-config", "11.0.0")


def test_a_python_package_says_which_files_the_lock_admits() -> None:
    (source,) = parts(OPENSTACK)["keystone"]["externalReferences"]
    admitted = {each["content"] for each in source["hashes"]}
    assert admitted == set(bill.hashes(LOCKED.lock)["keystone"]) != set()


def test_what_no_index_has_pretends_nothing() -> None:
    assert parts(OPENSTACK)["ouranos-runtime"].keys() == {"type", "bom-ref", "name", "version"}


def test_the_same_ingredients_make_the_same_text_and_others_another_serial_number() -> None:
    backwards = replace(OPENSTACK, debian=tuple(reversed(DEBIAN)))
    assert bill.written(OPENSTACK) == bill.written(backwards)
    newer = replace(OPENSTACK, debian=(*DEBIAN[1:], DEBIAN[0]._replace(version="14.3.0-1")))
    numbers = {json.loads(bill.written(each))["serialNumber"] for each in (OPENSTACK, newer)}
    assert len(numbers) == 2


def test_every_locked_package_is_found_with_its_hashes() -> None:
    for name in ("openstack", "ouranos"):
        locked = environment.find(name, RELEASE)
        found = bill.hashes(locked.lock)
        assert len(found) == locked.count
        assert all(found.values())
        assert sum(map(len, found.values())) == locked.lock.count("--hash=sha256:")


def test_the_locks_are_files_of_the_image_too(tmp_path: Path) -> None:
    bill.write(tmp_path, bill.files(OPENSTACK))
    assert (tmp_path / bill.PYTHON_LOCK).read_text() == LOCKED.lock
    lines = (tmp_path / bill.DEBIAN_LOCK).read_text().splitlines()
    assert lines == sorted(lines)
    assert f"bash=5.2.37-2+b10 sha256:{'c' * 64}" in lines
    assert (tmp_path / bill.BILL).stat().st_mtime == tree.MOMENT
    assert bill.PYTHON_LOCK not in bill.files(MEMCACHED)


@pytest.mark.parametrize("package", own.ENVIRONMENTS)
def test_what_is_installed_is_read_from_the_packages_own_words(
    package: str, tmp_path: Path
) -> None:
    own.install(package, tmp_path, "modules")
    name = package.replace("_", "-")
    assert bill.installed(tmp_path / "modules") == ((name, catalog.version()),)
