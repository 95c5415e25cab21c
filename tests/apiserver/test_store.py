"""What was answered survives: a kill -9 while writing, other openers, damage, a full disk."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ouranos.engine.apiserver import database, server
from ouranos.engine.apiserver.database import Row
from ouranos.kit import seams
from ouranos.kit.objects import Key

WRITER = """
import asyncio, sys
from pathlib import Path
import httpx2
from ouranos.engine.apiserver import server
from ouranos.kit import seams

MAPS = "/api/v1/namespaces/default/configmaps"

async def write(api, worker):
    for number in range(1_000_000):
        name = f"w{worker}-{number % 7}"
        body = {"metadata": {"name": name}, "data": {"n": str(number)}}
        answer = await api.post(MAPS, json=body)
        if answer.status_code == 409:
            answer = await api.put(f"{MAPS}/{name}", json=body)
        assert answer.status_code in (200, 201), answer.text
        version = answer.json()["metadata"]["resourceVersion"]
        print(name, number, version, flush=True)
        if number % 11 == 10:
            assert (await api.delete(f"{MAPS}/{name}")).status_code == 200
            print(name, -1, 0, flush=True)

async def main():
    api = await server.ApiServer.open(Path(sys.argv[1]), seams.real())
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        await asyncio.gather(*(write(client, worker) for worker in range(4)))

asyncio.run(main())
"""


async def held(path: Path) -> tuple[dict[str, Any], int]:
    api = await server.ApiServer.open(path, seams.real())
    try:
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
            listed = (await client.get("/api/v1/namespaces/default/configmaps")).json()
            items = {each["metadata"]["name"]: each for each in listed["items"]}
            return items, int(listed["metadata"]["resourceVersion"])
    finally:
        await api.close()


@pytest.mark.parametrize("kill_after", [25, 60, 130, 350])
def test_what_was_answered_survives_a_kill(tmp_path: Path, kill_after: int) -> None:
    path = tmp_path / "api.db"
    answered: dict[str, tuple[int, int]] = {}
    command = [sys.executable, "-c", WRITER, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for lines, line in enumerate(writer.stdout):
            name, number, version = line.split()
            answered[name] = (int(number), int(version))
            if lines == kill_after:
                os.kill(writer.pid, signal.SIGKILL)
    items, version = asyncio.run(held(path))
    assert version >= max(each for _, each in answered.values())
    for name, (number, _) in answered.items():
        # At most one write of each worker was under way, unanswered, when it was killed.
        if number == -1:
            assert name not in items or int(items[name]["data"]["n"]) > 0
        elif name in items:
            assert int(items[name]["data"]["n"]) >= number
        else:
            assert number % 11 == 10


def test_a_second_opener_is_told_so(tmp_path: Path) -> None:
    first = database.Database(tmp_path / "api.db")
    with pytest.raises(database.DatabaseError, match="is in use by another process"):
        database.Database(tmp_path / "api.db")
    first.close()
    first.close()
    database.Database(tmp_path / "api.db").close()


def test_another_programs_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (a)")
    connection.close()
    with pytest.raises(database.DatabaseError, match="database of another program"):
        database.Database(path)


def test_a_newer_layout_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    database.Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(database.DatabaseError, match="layout 99"):
        database.Database(path)


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(database.DatabaseError, match="cannot be used"):
        database.Database(path)


def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    database.Database(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_rows_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    held = database.Database(tmp_path / "api.db")
    held.write([Row("pods", Key("a", "b"), b"{}")], 7)
    broken: Any = Row("pods", Key("a", "c"), {"not": "bytes"})  # type: ignore[arg-type]
    with pytest.raises(database.DatabaseError):
        held.write([Row("pods", Key("a", "b"), None), broken], 8)
    assert [key.name for _, key, _ in held.load()] == ["b"]
    assert held.version() == 7
    held.close()


async def test_a_full_disk_is_said_and_passes(tmp_path: Path) -> None:
    api = await server.ApiServer.open(tmp_path / "api.db", seams.real())
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        maps = "/api/v1/namespaces/default/configmaps"
        journal = api._parts.store._journal
        assert journal is not None
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        body = {"metadata": {"name": "one"}, "data": {"a": "x" * 200_000}}
        refused = await client.post(maps, json=body)
        assert refused.status_code == 503
        assert "database or disk is full" in refused.json()["message"]
        assert (await client.get(f"{maps}/one")).status_code == 404
        journal._connection.execute("PRAGMA max_page_count = 1000000")
        assert (await client.post(maps, json=body)).status_code == 201
    await api.close()


async def test_writes_of_one_moment_share_a_commit(tmp_path: Path) -> None:
    api = await server.ApiServer.open(tmp_path / "api.db", seams.real())
    journal = api._parts.store._journal
    assert journal is not None
    commits: list[str] = []
    journal._connection.set_trace_callback(
        lambda text: commits.append(text) if text == "COMMIT" else None
    )
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        maps = "/api/v1/namespaces/default/configmaps"
        answers = await asyncio.gather(
            *(client.post(maps, json={"metadata": {"name": f"m{n}"}}) for n in range(50))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len(commits) < 25
    await api.close()


async def test_writers_of_one_object_take_turns(tmp_path: Path) -> None:
    api = await server.ApiServer.open(tmp_path / "api.db", seams.real())
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        path = "/api/v1/namespaces/default/configmaps/one"

        async def add(number: int) -> int:
            headers = {"content-type": "application/merge-patch+json"}
            text = json.dumps({"data": {f"k{number}": "1"}})
            return (await client.patch(path, content=text, headers=headers)).status_code

        await client.post(path.rpartition("/")[0], json={"metadata": {"name": "one"}})
        assert set(await asyncio.gather(*(add(number) for number in range(30)))) == {200}
        assert len((await client.get(path)).json()["data"]) == 30
    await api.close()


async def test_definitions_and_their_objects_come_back(tmp_path: Path) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }
    things = "/apis/example.com/v1/namespaces/default/things"
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}}
    texts: list[str] = []
    for number in range(2):
        api = await server.ApiServer.open(tmp_path / "api.db", seams.real())
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
            if number == 0:
                path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
                assert (await client.post(path, json=definition)).status_code == 201
                assert (await client.post(things, json=thing)).status_code == 201
            texts.append((await client.get(f"{things}/one")).text)
        await api.close()
    assert texts[0] == texts[1]


async def test_a_collection_goes_on_after_a_restart(tmp_path: Path) -> None:
    maps = "/api/v1/namespaces/default/configmaps"
    path = tmp_path / "api.db"
    api = await server.ApiServer.open(path, seams.real())
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        owner = (await client.post(maps, json={"metadata": {"name": "owner"}})).json()
        reference = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
        for task in api._tasks:
            task.cancel()
        child = {"metadata": {"name": "child", "ownerReferences": [reference]}}
        await client.post(maps, json=child)
        await client.delete(f"{maps}/owner")
    await api.close()
    again = await server.ApiServer.open(path, seams.real())
    async with httpx2.AsyncClient(transport=again.transport(), base_url="http://api") as client:
        while (await client.get(maps)).json()["items"]:  # noqa: ASYNC110 - nothing says when
            await asyncio.sleep(0.01)
    await again.close()
