"""Which cloud does a person mean, and how is it asked? One answer for solo and for a cluster.

Each world gives its own: `solo.place` for a cloud of this machine, `look.remote` for one that a
kubeconfig leads to. A command sees nothing but this.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from ouranos.kit import cluster, errors, objects
from ouranos.look import state


class RefusedError(errors.OuranosError):
    """The cloud cannot be asked for what a person wants; `hint` says what they could do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Place(Protocol):
    """A cloud, and the API that it is an object of."""

    @property
    def api(self) -> cluster.Cluster:
        """Its API; speaks to nobody before it is asked something."""
        ...

    @property
    def cloud(self) -> str:
        """The Cloud's name."""
        ...

    @property
    def namespace(self) -> str:
        """Where the Cloud and everything made from it lives."""
        ...

    @property
    def options(self) -> str:
        """The options by which a person names this cloud again; empty where none is needed."""
        ...

    @property
    def files(self) -> Mapping[str, Path]:
        """Files that clients read, by what they are called."""
        ...

    @property
    def guests(self) -> Path:
        """Where the small guest of `verify` is kept once made."""
        ...

    async def look(self) -> tuple[objects.Object, state.State]:
        """The Cloud and how it is, going by itself and by what it stands on.

        Raises:
            RefusedError: it cannot be asked; the message is the first fact that keeps us from it.
        """
        ...

    async def own_pods(self) -> list[objects.Object]:
        """The pods of Ouranos' own controllers.

        Raises:
            RefusedError: there are none; the hint says where the controllers speak instead.
        """
        ...

    async def environment(self) -> dict[str, str]:
        """What OpenStack's own client needs to be the cloud's administrator.

        Raises:
            RefusedError: there is no administrator yet.
        """
        ...

    def alone(self, purpose: str) -> AbstractAsyncContextManager[None]:
        """Let nobody else do the same to this cloud meanwhile; over when the process dies.

        Raises:
            RefusedError: somebody does; the message says who.
        """
        ...
