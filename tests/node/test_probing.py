"""How often is a container asked whether it is well?"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ouranos.engine.node import lifecycle, probes
from ouranos.kit import seams

pytestmark = pytest.mark.virtual_time


class Container:
    """Answers commands, and counts them."""

    def __init__(self) -> None:
        self.well = True
        self.asked: dict[str, int] = {}
        self.health = lifecycle.Health(started=True, ready=False)

    async def execute(self, command: list[str], seconds: float) -> tuple[int, str]:
        del seconds
        self.asked[command[0]] = self.asked.get(command[0], 0) + 1
        return (0 if self.well else 1), "ill"

    async def connect(self, host: str, port: int) -> Any:
        raise OSError(f"{host}:{port}")

    def probed(
        self, given: seams.Seams, readiness: str, liveness: str
    ) -> Callable[[], asyncio.Task[None]]:
        def probe(command: str, period: int, failures: int) -> dict[str, Any]:
            times = {"periodSeconds": period, "failureThreshold": failures}
            return {"exec": {"command": [command]}, **times}

        def changed(health: lifecycle.Health) -> None:
            self.health = health

        container = {
            "readinessProbe": probe(readiness, 10, 2),
            "livenessProbe": probe(liveness, 30, 2),
        }
        target = probes.Target("10.0.0.2", {}, self.connect, self.execute)
        prober = probes.Prober(
            container, self.health, target, given.clock, changed, lambda _text: None
        )
        return lambda: asyncio.create_task(prober.run())


async def test_a_liveness_probe_takes_the_answer_to_the_same_question(given: seams.Seams) -> None:
    container = Container()
    task = container.probed(given, "well", "well")()
    await given.clock.sleep(605)
    assert container.health.ready
    assert 60 <= container.asked["well"] <= 63, "readiness alone asks"
    container.well = False
    await given.clock.sleep(100)
    assert not container.health.ready
    assert container.health.failing.startswith("Liveness probe failed")
    task.cancel()


async def test_another_question_is_asked_by_itself(given: seams.Seams) -> None:
    container = Container()
    task = container.probed(given, "well", "alive")()
    await given.clock.sleep(605)
    assert 60 <= container.asked["well"] <= 62
    assert 20 <= container.asked["alive"] <= 22
    task.cancel()
