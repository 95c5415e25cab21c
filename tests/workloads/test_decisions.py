"""Are the pure decisions right? Values in, values out."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from ouranos.engine import quantities
from ouranos.engine.simulation import script
from ouranos.engine.workloads import (
    endpoints,
    node_health,
    nodes,
    placement,
    pods,
    revisions,
    rollout,
    schedules,
    selectors,
    shares,
    templates,
)
from ouranos.kit import conditions, errors
from ouranos.kit.objects import Object

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100m", Fraction(1, 10)),
        ("2", 2),
        ("1.5", Fraction(3, 2)),
        ("10Gi", 10 * 1024**3),
        ("1k", 1000),
        ("5e3", 5000),
        ("1E", 10**18),
        ("12E2", 1200),
        (4, 4),
        ("500u", Fraction(1, 2000)),
    ],
)
def test_quantities(text: str | int, number: Fraction | int) -> None:
    assert quantities.number(text) == number


@pytest.mark.parametrize("text", ["", "ten", "1 Gi", "1Gb", "--1"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        quantities.number(text)


def test_shares_are_rounded_as_they_should() -> None:
    assert shares.share("25%", 5, up=True) == 2
    assert shares.share("25%", 5, up=False) == 1
    assert shares.share(3, 5, up=True) == 3
    with pytest.raises(ValueError, match="neither a number nor a percentage"):
        shares.share("many", 5, up=True)


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        (None, {"a": "1"}, False),
        ({}, {"a": "1"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["3"]}]}, {"a": "4"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Lt", "values": ["3"]}]}, {}, False),
    ],
)
def test_selectors(selector: Object | None, labels: dict[str, str], *, chosen: bool) -> None:
    assert selectors.selects(selector, labels) is chosen


def pod(name: str, *, node: str = "n1", ready: int | None = 60, **more: Any) -> Object:
    """A pod; `ready` seconds ago it became ready, or is not."""
    said: list[Object] = []
    if ready is not None:
        since = NOON - timedelta(seconds=ready)
        conditions.set_condition(said, "Ready", "True", "", "", since)
    metadata = {"name": name, "namespace": "home", "uid": name, **more.pop("metadata", {})}
    metadata.setdefault("creationTimestamp", "2026-11-01T11:00:00Z")
    return {
        "metadata": metadata,
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "conditions": said, **more},
    }


def test_a_smaller_workload_gives_up_the_least_useful_pods_first() -> None:
    costly = {"annotations": {pods.DELETION_COST: "10"}}
    ranked = [
        pod("unassigned", node=""),
        pod("pending", ready=None, phase="Pending"),
        pod("unready", ready=None),
        pod("crowded", node="n2"),
        pod("crowded-longer", node="n2", ready=90),
        pod("young", ready=10),
        pod("restarted", ready=60, containerStatuses=[{"restartCount": 3}], node="n3"),
        pod("old", ready=600, node="n4"),
        pod("costly", ready=1, node="n5", metadata=costly),
    ]
    chosen = [one["metadata"]["name"] for one in pods.to_delete(ranked, len(ranked))]
    assert chosen[:3] == ["unassigned", "pending", "unready"]
    assert chosen[-1] == "costly"
    assert chosen.index("crowded") < chosen.index("crowded-longer")
    assert chosen.index("restarted") < chosen.index("old")
    assert pods.to_delete(ranked, -1) == []


def test_availability_takes_its_time() -> None:
    fresh = pod("p", ready=4)
    assert pods.available_in(fresh, 10, NOON) == timedelta(seconds=6)
    assert pods.soonest_available([fresh, pod("q", ready=9)], 10, NOON) == timedelta(seconds=1)
    assert pods.soonest_available([pod("q", ready=90)], 10, NOON) is None
    assert not pods.is_available(pod("r", ready=None), 0, NOON)


def deployment(replicas: int, surge: Any, unavailable: Any) -> Object:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "strategy": strategy}}


def replica_set(name: str, wanted: int, available: int, age: int = 0) -> Object:
    made = conditions.timestamp(NOON - timedelta(seconds=age))
    status = {"replicas": wanted, "availableReplicas": available}
    return {
        "metadata": {"name": name, "creationTimestamp": made},
        "spec": {"replicas": wanted},
        "status": status,
    }


@over(
    total=st.integers(1, 8),
    surge=st.integers(0, 3),
    unavailable=st.integers(0, 3),
    data=st.data(),
)
def test_a_rolling_update_ends_and_never_leaves_its_bounds(
    total: int, surge: int, unavailable: int, data: st.DataObject
) -> None:
    """Pods become available one at a time, in any order; old ones may be broken."""
    spec = deployment(total, surge, unavailable)
    limit = rollout.bounds(spec)
    broken = data.draw(st.integers(0, total))
    sizes = {"new": 0, "old": total}
    alive = {"new": 0, "old": total - broken}
    for _ in range(200):
        new = replica_set("new", sizes["new"], alive["new"])
        old = replica_set("old", sizes["old"], alive["old"], age=60)
        plan = rollout.roll(spec, new, [old])
        for name, size in plan.items():
            # What does not serve goes first.
            alive[name] = min(alive[name], size)
            sizes[name] = size
        assert sum(sizes.values()) <= total + limit.surge
        assert sum(alive.values()) >= min(total - broken, total - limit.unavailable)
        if not plan:
            if alive["new"] == sizes["new"]:
                break
            alive["new"] += 1
    assert sizes == {"new": total, "old": 0}


def test_bounds_that_round_to_nothing_let_one_be_missing() -> None:
    assert rollout.bounds(deployment(4, "1%", "1%")) == rollout.Bounds(1, 0)
    assert rollout.bounds(deployment(4, 0, "1%")) == rollout.Bounds(0, 1)
    assert rollout.bounds(deployment(2, 0, 5)) == rollout.Bounds(0, 2)


def cron_job(schedule: str, *, last: datetime | None = None, **spec: Any) -> Object:
    status = {} if last is None else {"lastScheduleTime": conditions.timestamp(last)}
    metadata = {"name": "tidy", "creationTimestamp": "2026-11-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"schedule": schedule, **spec}, "status": status}


def test_many_missed_runs_are_one() -> None:
    due = schedules.due(cron_job("* * * * *"), NOON)
    assert due.missed is not None
    assert due.upcoming == NOON + timedelta(minutes=1)
    late = schedules.due(cron_job("0 * * * *", last=NOON - timedelta(hours=3)), NOON)
    assert late.missed == NOON
    assert schedules.due(cron_job("0 * * * *", last=NOON), NOON).missed is None


def test_a_clock_change_makes_no_run_twice() -> None:
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    runs: list[datetime] = []
    last = before
    moment = before
    while moment < before + timedelta(hours=5):
        job = cron_job("30 2 * * *", last=last, timeZone="Europe/Zurich")
        missed = schedules.due(job, moment).missed
        if missed is not None:
            runs.append(missed)
            last = missed
        moment += timedelta(minutes=10)
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("schedule", "zone"), [("often", None), ("61 * * * *", None), ("* * * * *", "Mars/Olympus")]
)
def test_a_schedule_that_means_nothing_is_terminal(schedule: str, zone: str | None) -> None:
    with pytest.raises(errors.Terminal) as caught:
        schedules.due(cron_job(schedule, timeZone=zone), NOON)
    assert caught.value.reason is conditions.Reason.INVALID_SPEC


def node(name: str, *, cpu: str = "4", **labels: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {nodes.HOSTNAME: name, **labels}},
        "spec": {},
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "10"}},
    }


@pytest.mark.parametrize(
    ("toleration", "accepted"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"value": "v"}, False),
    ],
)
def test_tolerations(toleration: Object, *, accepted: bool) -> None:
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    assert nodes.tolerates(toleration, taint) is accepted


def test_requests_are_the_containers_together_or_the_largest_init_container() -> None:
    def asks(cpu: str) -> Object:
        return {"resources": {"requests": {"cpu": cpu}}}

    spec = {
        "containers": [asks("1"), {"resources": {"limits": {"cpu": "500m"}}}],
        "initContainers": [asks("3")],
        "overhead": {"cpu": "100m"},
    }
    assert nodes.requests(spec)["cpu"] == Fraction(31, 10)


def test_spreading_holds_the_skew() -> None:
    constraint = {
        "topologyKey": "zone",
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    wanted = pod("new", node="", metadata={"labels": {"app": "web"}})
    wanted["spec"] = {"topologySpreadConstraints": [constraint]}
    there = [pod(f"p{n}", node="a1", metadata={"labels": {"app": "web"}}) for n in range(2)]
    world = placement.World([node("a1", zone="a"), node("b1", zone="b"), node("c1")], there, [])
    assert placement.place(wanted, world).node == "b1"
    only = placement.World([node("a1", zone="a"), node("b1", zone="b", cpu="0")], there, [])
    assert placement.place(wanted, only).node == "b1"
    wanted["spec"]["containers"] = [{"resources": {"requests": {"cpu": "1"}}}]
    message = placement.place(wanted, only).message
    assert message == (
        "0/2 nodes are available: 1 Insufficient cpu, "
        "1 node(s) didn't match pod topology spread constraints."
    )
    assert placement.place(wanted, placement.World([], [], [])).message == (
        "no nodes available to schedule pods"
    )


def test_silence_is_counted_by_our_own_clock() -> None:
    lease = {"spec": {"renewTime": "2031-01-01T00:00:00.000000Z"}}
    first = node_health.sighted(None, node("n"), lease, NOON)
    assert first.noticed == NOON
    later = NOON + timedelta(seconds=30)
    same = node_health.sighted(first, node("n"), lease, later)
    assert same.noticed == NOON
    lease = {"spec": {"renewTime": "1999-01-01T00:00:00.000000Z"}}
    wrong = node_health.sighted(same, node("n"), lease, later + timedelta(seconds=10))
    assert wrong.noticed == later


def test_a_service_keeps_the_address_it_has() -> None:
    one, two = node("one"), node("two")
    for number, each in enumerate((one, two), start=1):
        address = {"type": "InternalIP", "address": f"172.31.0.{number}"}
        each["status"]["addresses"] = [address]
    service: Object = {"spec": {}}
    serving = [pod("p", node="two")]
    assert endpoints.address(service, serving, [one, two]) == "172.31.0.2"
    assert endpoints.address(service, [], [one, two]) == "172.31.0.1"
    two["metadata"]["labels"][endpoints.CONTROL_PLANE] = ""
    assert endpoints.address(service, [], [one, two]) == "172.31.0.2"
    fixed: Object = {"spec": {"clusterIP": "172.31.0.1"}}
    assert endpoints.address(fixed, serving, [one, two]) == "172.31.0.1"
    assert endpoints.is_elsewhere(fixed, serving, [one, two])
    assert not endpoints.is_elsewhere(fixed, [], [one, two])
    assert endpoints.address(service, [], []) == ""


@over(st.text(min_size=1, max_size=80), st.integers(0, 3))
def test_hashes_are_names(value: str, collisions: int) -> None:
    hashed = templates.hash_of({"image": value}, collisions)
    assert len(hashed) == 10
    assert hashed.isalnum()
    assert hashed != templates.hash_of({"image": value}, collisions + 1)


def test_a_child_of_a_long_name_still_fits_a_label() -> None:
    name = templates.child_name("x" * 80, "abcde")
    assert len(name) == 63
    assert name.endswith("-abcde")


def test_history_keeps_what_is_alive() -> None:
    held: list[Object] = [
        {"metadata": {"name": f"r{number}"}, "revision": number, "data": {"n": number}}
        for number in range(5)
    ]
    gone = revisions.outdated(held, {"r0", "r4"}, 1)
    assert [one["metadata"]["name"] for one in gone] == ["r1", "r2"]
    assert revisions.find(held, {"n": 3}) is held[3]
    assert revisions.numbered([]) == 1


def test_a_script_tells_a_pods_story() -> None:
    played = script.Script(exits_after=timedelta(seconds=5), code=3, good_runs_after=1)
    always: Object = {"spec": {"restartPolicy": "Always"}}

    def at(seconds: float, one: Object = always) -> script.State:
        return script.state(played, one, NOON, NOON + timedelta(seconds=seconds))

    assert at(0).phase == "Pending"
    assert at(1).phase == "Running"
    assert at(2).ready
    assert at(6).container == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert (at(17).restarts, at(17).ready) == (1, True)
    never: Object = {"spec": {"restartPolicy": "Never"}}
    assert at(6, never).container["terminated"]["exitCode"] == 3
    once: Object = {"spec": {"restartPolicy": "OnFailure"}}
    assert at(30, once).phase == "Succeeded"
