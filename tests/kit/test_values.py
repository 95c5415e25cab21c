"""Are names, kinds, conditions, secrets, addresses and waits what they should be?"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from ouranos.kit import (
    address,
    backoff,
    cache,
    conditions,
    errors,
    kinds,
    objects,
    randoms,
    seams,
    summary,
)
from ouranos.kit.objects import Key, Kind, Object

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("kind", "arguments", "path"),
    [
        (kinds.POD, (), "/api/v1/pods"),
        (kinds.POD, ("home",), "/api/v1/namespaces/home/pods"),
        (kinds.NODE, ("", "one"), "/api/v1/nodes/one"),
        (kinds.NODE, ("home", "one"), "/api/v1/nodes/one"),
        (
            kinds.DEPLOYMENT,
            ("home", "web", "status"),
            "/apis/apps/v1/namespaces/home/deployments/web/status",
        ),
        (kinds.KEYSTONE, ("home",), "/apis/ouranos.cloud/v1alpha1/namespaces/home/keystones"),
    ],
)
def test_paths(kind: Kind, arguments: tuple[str, ...], path: str) -> None:
    assert kind.path(*arguments) == path


def test_kinds_are_found_by_their_names() -> None:
    assert kinds.of({"apiVersion": "apps/v1", "kind": "Deployment"}) is kinds.DEPLOYMENT
    assert kinds.of({"apiVersion": "v1", "kind": "Pod"}).qualified == "pods"
    assert kinds.DEPLOYMENT.qualified == "deployments.apps"
    with pytest.raises(LookupError, match="unknown kind v1 Gateway"):
        kinds.of({"apiVersion": "v1", "kind": "Gateway"})
    with pytest.raises(LookupError):
        kinds.of({})


def test_a_foreign_kind_can_be_made_known_once() -> None:
    foreign = Kind("k8s.mariadb.com", "v1alpha1", "MaxScale", "maxscales")
    kinds.register(foreign)
    kinds.register(foreign)
    assert foreign in kinds.known()
    with pytest.raises(ValueError, match="already known"):
        kinds.register(Kind("k8s.mariadb.com", "v1alpha1", "MaxScale", "scales"))


@over(st.dictionaries(st.text(), st.text(), min_size=2))
def test_a_content_name_does_not_depend_on_order(data: dict[str, str]) -> None:
    turned = dict(reversed(data.items()))
    name = objects.content_name("keystone-config", data)
    assert name == objects.content_name("keystone-config", turned)
    assert len(name) == len("keystone-config-") + 10


def test_a_content_name_changes_with_the_content() -> None:
    assert objects.content_name("a", {"x": "1"}) != objects.content_name("a", {"x": "2"})


@over(JSON, JSON)
def test_digests_differ_where_values_do(one: Any, two: Any) -> None:
    if repr(one) != repr(two):
        return
    assert objects.digest(one) == objects.digest(two)


def test_owners() -> None:
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "home", "uid": "u1"},
    }
    reference = objects.owner_reference(owner)
    assert reference["controller"]
    assert reference["blockOwnerDeletion"]
    plain = objects.owner_reference(owner, controller=False)
    assert "controller" not in plain
    owned: Object = {"metadata": {"name": "x", "ownerReferences": [plain, reference]}}
    assert objects.controller_uid(owned) == "u1"
    assert objects.controller_uid({"metadata": {"ownerReferences": [plain]}}) is None
    assert objects.controller_uid({"metadata": {}}) is None


def test_parts_of_objects_that_may_be_missing() -> None:
    obj: Object = {"metadata": {"name": "x", "labels": None}, "spec": {"list": [1]}}
    assert objects.labels_of(obj) == objects.annotations_of(obj) == {}
    assert objects.entries(obj, "spec", "list") == [1]
    assert objects.entries(obj, "status", "conditions") == []
    assert objects.mapping(obj, "spec", "more", "still") == {}
    assert objects.key_of(obj) == Key("", "x")
    assert str(objects.key_of(obj)) == "x"
    assert str(Key("home", "x")) == "home/x"
    assert objects.version_of(obj) == 0
    assert not objects.is_deleting(obj)


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    said: list[Object] = []
    conditions.set_condition(said, "Ready", "False", "Waiting", "Secret a", NOON, 1)
    later = NOON + timedelta(minutes=1)
    conditions.set_condition(said, "Ready", "False", "Waiting", "Secret b", later, 2)
    assert said[0]["lastTransitionTime"] == "2026-11-01T12:00:00Z"
    assert said[0]["observedGeneration"] == 2
    assert said[0]["message"] == "Secret b"
    conditions.set_condition(said, "Ready", "True", conditions.Reason.SUCCEEDED, "", later, 2)
    assert said[0]["lastTransitionTime"] == "2026-11-01T12:01:00Z"
    assert type(said[0]["reason"]) is str
    conditions.set_condition(said, "Available", "True", "Succeeded", "", later)
    assert [one["type"] for one in said] == ["Ready", "Available"]
    assert "observedGeneration" not in said[1]


def test_a_condition_speaks_of_a_generation() -> None:
    said: list[Object] = []
    obj: Object = {"metadata": {"generation": 2}, "status": {"conditions": said}}
    assert not conditions.is_current(obj, "Ready")
    conditions.set_condition(said, "Ready", "True", "Succeeded", "", NOON, 1)
    assert conditions.is_true(obj, "Ready")
    assert not conditions.is_current(obj, "Ready")
    conditions.set_condition(said, "Ready", "True", "Succeeded", "", NOON, 2)
    assert conditions.is_current(obj, "Ready")


def test_messages_are_bounded() -> None:
    assert len(conditions.bounded("x" * 5000)) == conditions.MESSAGE_LIMIT
    assert conditions.bounded("short") == "short"


def test_moments_survive_being_written() -> None:
    assert conditions.moment_of(conditions.timestamp(NOON)) == NOON
    precise = NOON + timedelta(microseconds=5)
    assert conditions.moment_of(conditions.micro_timestamp(precise)) == precise


@over(st.integers(1, 10_000), st.integers())
def test_waits_double_up_to_their_limit(failures: int, seed: int) -> None:
    rule = backoff.Backoff(first=1.0, longest=300.0)
    ceiling = rule.ceiling(failures)
    assert ceiling == min(300.0, 2.0 ** min(failures - 1, 50))
    assert 0 <= rule.wait(failures, random.Random(seed)) <= ceiling


def test_passwords_are_long_and_plain() -> None:
    chance = random.Random(1)
    one, two = randoms.password(chance), randoms.password(chance)
    assert len(one) == 32
    assert one.isalnum()
    assert one.isascii()
    assert one != two


def test_where_a_service_is() -> None:
    held = cache.Cache()
    spec = {"clusterIP": "172.31.0.11", "ports": [{"name": "sql", "port": 3306}, {"port": 9104}]}
    metadata = {"name": "mariadb", "namespace": "home", "uid": "u", "resourceVersion": "1"}
    held.store(kinds.SERVICE).heard({"metadata": metadata, "spec": spec})
    headless = {**metadata, "name": "bare", "uid": "v"}
    held.store(kinds.SERVICE).heard({"metadata": headless, "spec": {"clusterIP": "None"}})
    assert address.of_service(held, "home", "mariadb", "sql") == ("172.31.0.11", 3306)
    assert address.of_service(held, "home", "mariadb", 9104) == ("172.31.0.11", 9104)
    assert address.of_service(held, "home", "mariadb", "http") is None
    assert address.of_service(held, "home", "bare", "sql") is None
    assert address.of_service(held, "away", "mariadb", "sql") is None


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (404, "NotFound", errors.NotFound),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Gone),
        (410, "Gone", errors.Gone),
        (422, "Invalid", errors.Invalid),
        (403, "Forbidden", errors.Forbidden),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "", errors.ApiError),
    ],
)
def test_refusals_have_their_own_types(
    status: int, reason: str, kind: type[errors.ApiError]
) -> None:
    error = errors.api_error(status, {"reason": reason, "message": "no"})
    assert type(error) is kind
    assert error.status == status
    assert str(error) == f"no ({status} {reason})"
    assert errors.api_error(status, {}).message == "the API gave no message"


async def test_the_real_seams_are_real() -> None:
    given = seams.real()
    assert given.clock.now().tzinfo is UTC
    before = given.clock.monotonic()
    await given.clock.sleep(0.001)
    assert given.clock.monotonic() > before
    assert await given.blocking(max, 1, 2) == 2
    assert await seams.inline(max, 1, 2) == 2
    assert isinstance(given.random, random.SystemRandom)


def test_what_is_at_rest() -> None:
    said: list[Object] = []
    obj: Object = {
        "apiVersion": "ouranos.cloud/v1alpha1",
        "metadata": {"generation": 3},
        "spec": {},
        "status": {"conditions": said},
    }
    assert summary.is_ours(obj)
    assert not summary.is_ours({"apiVersion": "v1"})
    assert not summary.is_at_rest(obj)
    summary.pause(said, NOON, 3)
    assert not summary.is_at_rest(obj)
    obj["spec"]["management"] = "Paused"
    assert summary.is_at_rest(obj)
    assert not summary.is_at_rest({**obj, "metadata": {"generation": 4}})
    gone = {"generation": 3, "deletionTimestamp": "2026-11-01T12:00:00Z"}
    assert not summary.is_at_rest({**obj, "metadata": gone})
