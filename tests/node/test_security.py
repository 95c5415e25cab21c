"""As whom and with which rights a container runs."""

import pytest
from node_builders import container, pod

from ouranos.engine.node import security

ACCOUNTS = security.Accounts(
    "root:x:0:0:root:/root:/bin/sh\nnova:x:42436:42436::/var/lib/nova:/bin/false\n",
    "root:x:0:\nkvm:x:36:nova,libvirt-qemu\nnova:x:42436:\n",
)
BOUND = frozenset({"NET_ADMIN", "SYS_ADMIN"})


def test_a_user_has_the_groups_of_the_image_and_of_the_pod() -> None:
    told = pod(securityContext={"runAsUser": 42436, "fsGroup": 7, "supplementalGroups": [8, 36]})
    found = security.user(told, container(), ACCOUNTS)
    assert found == security.User(42436, 42436, (36, 8, 7), "/var/lib/nova")


def test_the_containers_own_words_come_before_the_pods() -> None:
    told = pod(securityContext={"runAsUser": 1, "runAsGroup": 2})
    own = container(securityContext={"runAsUser": 3})
    found = security.user(told, own, ACCOUNTS)
    assert (found.uid, found.gid) == (3, 2)


def test_root_is_refused_where_it_must_not_be() -> None:
    with pytest.raises(security.Refused):
        security.user(pod(), container(securityContext={"runAsNonRoot": True}), ACCOUNTS)


def rights(**context: object) -> security.Rights:
    return security.rights(pod(), container(securityContext=context), ACCOUNTS, BOUND)


def test_only_what_root_itself_has_is_given() -> None:
    found = rights(capabilities={"add": ["NET_ADMIN", "CAP_SYS_RESOURCE"]})
    assert found.capabilities == ("NET_ADMIN",)
    assert found.lacking == ("SYS_RESOURCE",)


def test_dropping_all_leaves_what_is_added() -> None:
    found = rights(capabilities={"add": ["NET_ADMIN"], "drop": ["ALL"]})
    assert found.capabilities == ("NET_ADMIN",)
    assert not rights(capabilities={"add": ["NET_ADMIN"], "drop": ["NET_ADMIN"]}).capabilities


def test_new_privileges_have_to_be_asked_for() -> None:
    assert not rights().new_privileges
    assert rights(allowPrivilegeEscalation=True).new_privileges


def test_a_filter_is_given_where_it_is_asked_for_and_knows_the_rights() -> None:
    assert rights().seccomp is None
    profile = {"type": "RuntimeDefault"}
    found = rights(seccompProfile=profile).seccomp
    assert found is not None
    assert "mount" in found["syscalls"][0]["names"]
    admin = rights(seccompProfile=profile, capabilities={"add": ["SYS_ADMIN"]}).seccomp
    assert admin is not None
    assert "mount" not in admin["syscalls"][0]["names"]


def test_our_own_bounding_set_has_known_names() -> None:
    assert security.bounding_set() <= set(security.CAPABILITIES)
