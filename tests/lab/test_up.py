"""In which order does a lab come up?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ouranos.lab import building, control, network, nodes, preflight, processes, settings, up


class Over(Exception):
    """The part that is looked at is over."""


async def test_whoever_waits_for_the_api_server_finds_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    async def started(_: settings.Settings, component: processes.Component) -> bool:
        begun.append(component.name)
        return True

    async def quick(*_: Any) -> Any:
        return tmp_path

    async def node(*_: Any) -> None:
        begun.append("a node")
        raise Over

    for module, name in ((building, "ensure"), (network, "ensure")):
        monkeypatch.setattr(module, name, quick)
    for module, name in ((preflight, "machine"), (preflight, "addresses"), (up, "_prepare")):
        monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(nodes, "ensure", node)
    monkeypatch.setattr(processes, "ensure", started)
    lab = replace(settings.of_environment(7), root=tmp_path, run=tmp_path)
    with pytest.raises(BaseExceptionGroup) as caught:
        await up.up(lab, 1, lambda _: None)
    assert caught.group_contains(Over)
    assert begun[:2] == [control.ETCD, control.API_SERVER]
    assert begun.index("a node") > 1
    assert lab.kept.read_text() == str(lab.public)
