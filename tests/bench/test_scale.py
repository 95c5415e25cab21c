"""Is what controllers are given when they are measured as they wish, and is the table right?"""

from pathlib import Path

import httpx2

from ouranos import services
from ouranos.api import checks
from ouranos.backing import sql
from ouranos.bench import pretended, scale
from ouranos.kit import cluster, kinds, objects, seams


def test_what_is_measured_is_what_people_may_write() -> None:
    for obj in scale.world(3):
        if obj["apiVersion"].startswith(kinds.GROUP):
            assert not checks.problems(obj, services.KNOWN.kinds)
    assert {objects.namespace_of(obj) or obj["metadata"]["name"] for obj in scale.world(3)} == {
        "bench-3"
    }


def test_a_row_says_what_was_measured() -> None:
    row = scale.Row(25, 350, 12.3, 50 * 1024**2, 0.006, 5.0, 0.0043, 2.24, 7.61)
    assert row.line == "| 25 | 350 | 12 s | 50 MiB | 0.60 % | ≤ 5 ms | 4.3 ms | 2.2 s | 7.6 |"
    assert row.line.count("|") == scale.HEAD.splitlines()[0].count("|")


async def test_a_pretended_database_is_found_by_the_next_process(tmp_path: Path) -> None:
    login = sql.Login("db.example", 3306, "root", "x")
    first = pretended.means(tmp_path).databases(login, seams.inline)
    mark = sql.Mark("home/keystone", sql.MADE)
    await first.mark(sql.DATABASE, "keystone", mark)
    await first.create_database("keystone")
    await first.set_user("keystone", "secret")
    await first.grant("keystone", "keystone")
    second = pretended.means(tmp_path).databases(login, seams.inline)
    facts = await second.look("keystone", "keystone")
    assert facts == sql.Facts(
        database=True, user=True, granted=True, database_mark=mark, user_mark=None
    )
    assert await second.admits("keystone", "keystone", "secret")
    assert not await second.admits("keystone", "keystone", "other")
    await second.drop_user("keystone")
    await second.drop_database("keystone")
    await second.unmark(sql.DATABASE, "keystone")
    facts = await second.look("keystone", "keystone")
    assert not facts.database
    assert facts.database_mark is None
    assert await second.version()
    assert await pretended.means(tmp_path).ask("h", 1, b"", b"") == b"VERSION 1.6.38\r\n"


async def test_a_pretended_keystone_knows_what_was_put_into_it(tmp_path: Path) -> None:
    async with httpx2.AsyncClient(transport=pretended.Keystones(tmp_path)) as http:
        base = "http://10.0.0.1:5000/v3"
        assert (await http.post(f"{base}/auth/tokens", json={})).status_code == 201
        assert (await http.get(f"{base}/regions/R")).status_code == 404
        await http.post(f"{base}/regions", json={"region": {"id": "R"}})
        assert (await http.get(f"{base}/regions/R")).json()["region"]["enabled"]
        assert len((await http.get(f"{base}/regions")).json()["regions"]) == 1
        await http.post(f"{base}/services", json={"service": {"type": "identity"}})
        found = (await http.get(f"{base}/services", params={"type": "compute"})).json()
        assert found == {"services": []}
        assert (await http.get("http://10.0.0.2:5000/v3/regions")).json() == {"regions": []}
    async with httpx2.AsyncClient(transport=pretended.Keystones(tmp_path)) as http:
        found = (await http.get(f"{base}/regions")).json()["regions"]
        assert [row["id"] for row in found] == ["R"], "the next process finds it"


async def test_pretended_kubelets_have_everything_done(source: cluster.Cluster) -> None:
    spec = {"containers": [{"name": "a", "image": "b"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one", "namespace": "home"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    made = await source.create(deployment)
    await pretended._have_done(source, made)
    found = await source.get(kinds.DEPLOYMENT, "one", "home") or {}
    assert found["status"]["readyReplicas"] == 2
    await pretended._have_done(source, found)
    again = await source.get(kinds.DEPLOYMENT, "one", "home") or {}
    assert objects.version_of(again) == objects.version_of(found)
