"""Where are the scripts and configuration files of agents? In `files/<agent>/`, read once."""

import functools
from collections.abc import Mapping
from importlib import resources


@functools.cache
def of(agent: str) -> Mapping[str, str]:
    """Return an agent's files, by name."""
    folder = resources.files("ouranos.compute") / "files" / agent
    return {file.name: file.read_text() for file in sorted(folder.iterdir(), key=lambda f: f.name)}
