"""Which OCI configuration a container gets."""

from typing import Any

import pytest
from node_builders import container, pod

from ouranos.engine.node import security, spec

BOUND = frozenset({"NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_CHROOT", "CHOWN"})


def facts(told: dict[str, Any], own: dict[str, Any], *mounts: spec.Mount) -> spec.Facts:
    return spec.Facts(
        root="/bundle/rootfs",
        host_name="p",
        cgroup="/ouranos/b/n/pods/u/c",
        namespaces={"network": "/proc/7/ns/net", "pid": "", "ipc": "", "uts": ""},
        rights=security.rights(told, own, security.Accounts(), BOUND),
        environment={"A": "1"},
        open_files=1024,
        oom_score=500,
        mounts=mounts,
    )


def built(*mounts: spec.Mount, **own: Any) -> dict[str, Any]:
    wanted = container(**own)
    told = pod(wanted)
    return spec.container(told, wanted, facts(told, wanted, *mounts))


def mounted(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["destination"]: one for one in found["mounts"]}


def test_a_container_that_asks_for_nothing_may_do_nothing() -> None:
    found = built()
    assert found["process"]["capabilities"] == {"bounding": [], "effective": [], "permitted": []}
    assert found["process"]["noNewPrivileges"]
    assert found["root"]["readonly"]
    assert found["linux"]["resources"]["devices"][0] == {"allow": False, "access": "rwm"}
    assert {"/tmp", "/run", "/dev/shm"} <= set(mounted(found))
    assert "/proc/sys" in found["linux"]["readonlyPaths"]
    assert found["process"]["env"] == ["HOME=/", "HOSTNAME=p", "A=1"]


def test_a_container_whose_root_is_read_only_by_its_own_word_has_what_it_mounts_and_no_more() -> (
    None
):
    found = built(securityContext={"readOnlyRootFilesystem": True})
    assert found["root"]["readonly"]
    assert not {"/tmp", "/run"} & set(mounted(found))


def test_namespaces_are_joined_by_path_or_made() -> None:
    found = {one["type"]: one.get("path") for one in built()["linux"]["namespaces"]}
    assert found == {
        "mount": None,
        "network": "/proc/7/ns/net",
        "pid": None,
        "ipc": None,
        "uts": None,
    }
    assert built()["hostname"] == "p"


def test_words_are_expanded_by_the_environment() -> None:
    found = built(command=["run", "$(A)"], args=["$$(A)", "$(B)"])
    assert found["process"]["args"] == ["run", "1", "$(A)", "$(B)"]


def test_a_container_without_a_program_is_refused() -> None:
    with pytest.raises(spec.Unusable):
        built(command=[])


def test_a_privileged_container_has_what_root_has() -> None:
    found = built(securityContext={"privileged": True})
    assert set(found["process"]["capabilities"]["bounding"]) == {f"CAP_{name}" for name in BOUND}
    assert not found["process"]["noNewPrivileges"]
    assert "maskedPaths" not in found["linux"]
    assert found["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]


def test_a_writable_root_has_no_private_folders() -> None:
    found = built(securityContext={"readOnlyRootFilesystem": False})
    assert not found["root"]["readonly"]
    assert "/run" not in mounted(found)


def test_a_volume_takes_the_place_of_a_standard_mount_and_parents_come_first() -> None:
    inner = spec.Mount("/a", "/run/openvswitch/deep")
    outer = spec.Mount("/b", "/run/")
    found = built(inner, outer)
    places = [one["destination"] for one in found["mounts"]]
    assert "/run" not in places
    assert places.index("/run/") < places.index("/run/openvswitch/deep")


def test_a_hosts_dev_hides_the_containers_own() -> None:
    places = set(mounted(built(spec.Mount("/dev", "/dev"))))
    assert "/dev/pts" not in places
    assert "/dev" in places


@pytest.mark.parametrize(
    ("option", "expected"),
    [("rprivate", "rprivate"), ("rslave", "rslave"), ("rshared", "rshared")],
)
def test_propagation_needs_the_root_to_propagate(option: str, expected: str) -> None:
    found = built(spec.Mount("/a", "/a", options=("rbind", option)))
    assert found["linux"]["rootfsPropagation"] == expected


def test_limits_become_cgroup_settings() -> None:
    asked = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}
    found = built(resources=asked)["linux"]["resources"]
    assert found["cpu"] == {"shares": 256, "period": 100_000, "quota": 50_000}
    assert found["memory"] == {"limit": 64 << 20}
    assert built()["linux"]["resources"]["cpu"] == {"shares": 2}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        (
            {
                "limits": {"cpu": "1", "memory": "1Gi"},
                "requests": {"cpu": "1000m", "memory": "1024Mi"},
            },
            "Guaranteed",
        ),
        (
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "0.5"}},
            "Burstable",
        ),
    ],
)
def test_quality_of_service(resources: dict[str, Any], expected: str) -> None:
    assert spec.quality(pod(container(resources=resources))) == expected


def test_who_asks_for_more_memory_lives_longer() -> None:
    half = container(resources={"requests": {"memory": "1Gi"}})
    assert spec.oom_score(pod(), container(), 2 << 30) == 1000
    assert spec.oom_score(pod(half), half, 2 << 30) == 500
