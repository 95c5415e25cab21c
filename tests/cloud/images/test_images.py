"""What is in the images: do the programs run, and do layers hold nothing of their making?"""

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from tests_images import RELEASE, Filled, content

from ouranos.images import accounts, apt, catalog, store
from ouranos.images.processes import Patience

PROGRAMS = {
    "node": "catatonit --version; ip -V; nft --version; id nova",
    "mariadb": "mariadbd --version; mariadb --version; mariadb-admin --version; id mysql",
    "rabbitmq": "erl -noshell -eval 'halt().'; test -x /usr/lib/rabbitmq/bin/rabbitmq-server",
    "memcached": "memcached --version; id memcached",
    "ovn": "ovs-vswitchd --version; ovsdb-server --version; ovn-northd --version; "
    "ovn-controller --version; ovn-nbctl --version; ovs-vsctl --version",
    "libvirt": "libvirtd --version; virsh --version; qemu-system-x86_64 --version; qemu-img -V; "
    "id libvirt-qemu; test -e /usr/share/qemu/efi-virtio.rom",
    "openstack": "haproxy -v; iptables-save --version; ip6tables-restore --version; "
    "ebtables --version; ipset --version; conntrack --version; qemu-img -V; ovs-vsctl --version; "
    "mount.nfs -V; test -x /usr/lib/ouranos/mount.nfs; awk 'BEGIN {exit}'; which ip",
    "controllers": "python3 -c 'import ouranos.services, ouranos.compute, ouranos.kit.cluster'; "
    "python3 -c 'from ouranos import cli; cli.main()' --version; "
    "test -s /etc/ssl/certs/ca-certificates.crt; id ouranos",
}


@pytest.mark.parametrize("image", PROGRAMS)
def test_the_programs_of_an_image_run(filled: Filled, image: str) -> None:
    filled.run(image, PROGRAMS[image])


def test_every_image_knows_every_account(filled: Filled) -> None:
    for image in filled.images:
        passwd = filled.run(image, "cat /etc/passwd")
        for account in accounts.ALL:
            assert f"{account.name}:*:{account.number}:" in passwd


def test_the_openstack_environment_imports_what_services_start_with(filled: Filled) -> None:
    filled.run(
        "openstack",
        "python3 -c 'import nova.cmd.compute, libvirt, ovs, ovs.stream, lxml.etree'\n"
        "python3 -c 'import keystone.cmd.manage, gunicorn, pymysql, pymemcache'\n"
        "python3 -c 'import neutron.db.migration.cli'; python3 -c 'import cinder.cmd.volume'\n"
        "python3 -c 'import ouranos_runtime, sys; assert sys.prefix == \"/opt/openstack\"'\n"
        "keystone-manage --version; nova-compute --version; gunicorn --version\n"
        "ls /opt/openstack/etc/nova/api-paste.ini /opt/openstack/etc/glance/glance-api-paste.ini",
    )


def test_ctypes_finds_libraries(filled: Filled) -> None:
    found = filled.run(
        "openstack", "python3 -c 'import ctypes.util as u; print(u.find_library(\"c\"))'"
    )
    assert found == "libc.so.6\n"


def test_services_load_bytecode_that_was_compiled_beforehand(filled: Filled) -> None:
    told = filled.run(
        "openstack",
        "python3 -v -c 'import nova.conf, sqlalchemy, oslo_config.cfg, json' 2>&1 | "
        "grep -E '^# (matches|code object from)'",
    )
    compiled = [
        line for line in told.splitlines() if "code object from" in line and ".pyc" not in line
    ]
    assert [line for line in compiled if "nova" in line or "sqlalchemy" in line] == []


def test_no_package_is_unpacked_twice_for_one_image(filled: Filled) -> None:
    for name, image in filled.images.items():
        records = [json.loads((layer.parent / "layer.json").read_text()) for layer in image.layers]
        counted = Counter(package[0] for record in records for package in record["packages"])
        assert [package for package, count in counted.items() if count > 1] == [], name


def test_no_package_is_unpacked_into_two_layers(filled: Filled) -> None:
    layers = {layer for image in filled.images.values() for layer in image.layers}
    records = [json.loads((layer.parent / "layer.json").read_text()) for layer in layers]
    counted = Counter(package[0] for record in records for package in record["packages"])
    assert [package for package, count in counted.items() if count > 1] == []


def test_only_the_base_layer_has_links_in_the_place_of_directories(filled: Filled) -> None:
    for image in filled.images.values():
        base, *above = image.layers
        assert (base / "bin").is_symlink()
        for layer in above:
            assert {path.name for path in layer.iterdir()} <= {"etc", "opt", "run", "usr", "var"}


def test_layers_hold_only_what_archives_carry(filled: Filled) -> None:
    odd = [
        path
        for tree in filled.root.glob("layers/*/tree")
        for path in tree.rglob("*")
        if not (path.is_symlink() or path.is_dir() or path.is_file())
        or [name for name in os.listxattr(path, follow_symlinks=False) if "selinux" not in name]
    ]
    assert odd == []


def test_layers_name_neither_the_store_nor_the_host(filled: Filled) -> None:
    found = subprocess.run(
        ["grep", "-rlF", str(filled.root), *filled.root.glob("layers/*/tree")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


def test_nothing_but_layers_and_caches_is_left(filled: Filled) -> None:
    assert list((filled.root / "scratch").iterdir()) == []
    assert list((filled.root / "packages").iterdir()) == []


async def test_images_that_are_there_need_neither_network_nor_time(filled: Filled) -> None:
    nowhere = apt.Archive("http://127.0.0.1:1/debian", "http://127.0.0.1:1/security")
    images = store.ImageStore(filled.root, archive=nowhere, patience=Patience(step=5, stall=5))
    begun = time.monotonic()
    for name, image in filled.images.items():
        assert await images.ensure(catalog.reference(name, RELEASE)) == image
    assert time.monotonic() - begun < 1
    await images.close()


async def test_the_same_packages_make_the_same_layers(filled: Filled, tmp_path: Path) -> None:
    again = Filled(tmp_path)
    await again.fill()
    assert {name: image.digest for name, image in again.images.items()} == {
        name: image.digest for name, image in filled.images.items()
    }
    for name, image in filled.images.items():
        for one, two in zip(image.layers, again.images[name].layers, strict=True):
            first, second = content(one), content(two)
            different = [path for path in first | second if first.get(path) != second.get(path)]
            assert different == [], f"{one} and {two}"
