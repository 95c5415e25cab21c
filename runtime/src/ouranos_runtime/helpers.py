"""How does an agent do what needs rights, without a second copy of itself for each sort of right?

privsep starts a helper for each context when it is first used: a new Python that imports the agent
again, which costs more than a second of CPU and a hundred MiB, six times on a hypervisor. An agent
that is root already may fork its helpers instead, before it has any thread (oslo.privsep's
`Method.FORK`). They share the agent's memory and keep no more rights than their section says. One
that dies is started in the ordinary way at its next use.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ouranos_runtime import start


def fork(contexts: Sequence[Any]) -> None:
    """Start the helpers of privsep contexts. There must be no other thread yet."""
    daemon: Any = importlib.import_module("oslo_privsep.daemon")
    sys.stdout.flush()
    sys.stderr.flush()
    ours: list[socket.socket] = []
    for context in contexts:
        our_end, their_end = socket.socketpair()
        if os.fork() == 0:
            # An end of another's channel that stays open here would outlive the agent.
            for end in (*ours, our_end):
                end.close()
            _name(context)
            _serve(daemon, context, their_end)
        their_end.close()
        ours.append(our_end)
    # Each client starts a thread, so all forks come before.
    for context, end in zip(contexts, ours, strict=True):
        context.channel = daemon._ClientChannel(end, context)  # noqa: SLF001 - as its own fork does


def _name(context: Any) -> None:
    title: Any = importlib.import_module("setproctitle")
    title.setproctitle(f"helper [{context.cfg_section}] of {title.getproctitle()}")


def _serve(daemon: Any, context: Any, end: socket.socket) -> NoReturn:
    code = 1
    try:
        comm: Any = importlib.import_module("oslo_privsep.comm")
        channel = comm.ServerChannel(end)
        handler = daemon.PrivsepLogHandler(channel, processName=str(context))
        daemon.replace_logging(handler)
        daemon.Daemon(channel, context=context).run()
        code = 0
    finally:
        os._exit(code)


def after(init: Callable[..., None], modules: Sequence[str], contexts: Sequence[str]) -> Any:
    """Have helpers forked once a program has said how they would be started.

    Args:
        init: `oslo_privsep.priv_context.init`, which programs call when they know their
            configuration, and before anything else.
        modules: What the helpers will need, to be imported before and so shared with them.
        contexts: `module:name` of each.
    """

    def initialised(root_helper: Sequence[str] | None = None) -> None:
        init(root_helper=root_helper)
        for module in modules:
            importlib.import_module(module)
        found = [name.partition(":") for name in contexts]
        start.settle()
        fork([getattr(importlib.import_module(module), name) for module, _, name in found])

    return initialised


def run(
    program: str, arguments: Sequence[str], modules: Sequence[str], contexts: Sequence[str]
) -> NoReturn:
    """Run an agent whose helpers are forked; see `after`."""

    def prepare() -> None:
        priv_context: Any = importlib.import_module("oslo_privsep.priv_context")
        priv_context.init = after(priv_context.init, modules, contexts)

    start.lighten()
    start.run(program, arguments, prepare)
