"""What happens at the machine's limits: a full disk, long logs, two supervisors."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
import tests_node
from tests_node import Engine, Images, running

from ouranos.engine.node import linux, logs, node
from ouranos.kit import errors, kinds, seams


def fill(path: Path) -> None:
    """Write until nothing more can be written."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass


async def test_a_full_disk_is_said_and_passes(images: Images, tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    folder.mkdir()
    linux.mount("tmpfs", folder, "tmpfs", data="size=8m")
    try:
        async with running(tests_node.node_config(folder), images) as engine:
            await engine.ready_node()
            full = folder / "full"
            await asyncio.to_thread(fill, full)
            await engine.create("waits", "sleep 99")

            async def said() -> bool:
                status = (await engine.pod("waits") or {}).get("status", {})
                return "ENOSPC" in str(status) or "No space left" in str(status)

            await engine.until(said, "the full disk to be said")

            async def pressed() -> bool:
                found = await engine.client.get(kinds.NODE, engine.told.name) or {}
                states = found["status"]["conditions"]
                return {"DiskPressure": "True"} in [{one["type"]: one["status"]} for one in states]

            await engine.until(pressed, "disk pressure")
            full.unlink()
            await engine.ready("waits", 30)
            await engine.client.delete(kinds.POD, "waits", "default", grace_seconds=0)
            await engine.gone("waits")
    finally:
        linux.unmount(folder)


async def test_a_long_log_is_rotated_and_followed(engine: Engine) -> None:
    line = "x" * 1000
    await engine.create(
        "talks",
        f"for i in $(busybox seq 11000); do echo {line}; done; echo end of the first;"
        "while [ ! -e /run/go ]; do busybox sleep 0.05; done; echo after; sleep 99",
    )
    await engine.said("talks", "end of the first", tail=1)
    (worker,) = engine.node._workers.values()
    (record,) = worker.attempts.running()
    assert logs.rotate(record, engine.told.layout.container(record.id))
    assert record.init
    await asyncio.to_thread(Path(f"/proc/{record.init.pid}/root/run/go").touch)
    assert await engine.said("talks", "after") == "after\n"
    assert len(list(Path(record.log).parent.iterdir())) == 2


async def test_a_second_supervisor_is_refused(engine: Engine) -> None:
    await engine.ready_node()
    second = node.Node(engine.told, engine.client, engine.images, seams.real())
    with pytest.raises(errors.Terminal, match="another process supervises"):
        await second.run()


async def test_a_start_is_quick_and_idleness_is_cheap(engine: Engine) -> None:
    await engine.ready_node()
    took: list[float] = []
    for number in range(5):
        began = time.monotonic()
        probe = {"tcpSocket": {"port": 9000 + number}}
        serve = ["/usr/bin/busybox", "httpd", "-f", "-p", str(9000 + number)]
        await engine.create(f"quick-{number}", serve, c_livenessProbe=probe)
        await engine.phase(f"quick-{number}", "Running")
        took.append(time.monotonic() - began)
    assert min(took) < 1, took  # 0.05 s on a quiet machine
    await asyncio.sleep(2)
    began, used = time.monotonic(), time.process_time()
    await asyncio.sleep(10)
    share = (time.process_time() - used) / (time.monotonic() - began)
    assert share < 0.01, share
    assert {one.name for one in engine.node.usage()} == {f"quick-{number}" for number in range(5)}
