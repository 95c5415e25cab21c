"""The `ouranos` command: one module per command, imported only when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

_CLOSED_PIPE = 141  # what a shell shows for a program that SIGPIPE ended

# command -> what `ouranos --help` says of it; each module holds a click command named `command`
_COMMANDS = {
    "bench": "Measure this cloud: times, CPU seconds, memory",
    "doctor": "Name each thing that would make `up` fail, before anything is changed",
    "down": "Stop a cloud and keep its data, or leave nothing of it",
    "images": "Make OCI images, and bring them to a cluster",
    "install": "Install Ouranos in a cluster, or bring it up to date; prints a plan first",
    "kubeconfig": "Print the kubeconfig of a cloud",
    "logs": "Print what a service says",
    "metrics": "Print the daemon's metrics",
    "openstack": "Run OpenStack's own client against a cloud",
    "status": "Say in one line how a cloud is",
    "uninstall": "Remove Ouranos from a cluster; all of it but data, which is named",
    "up": "Bring a cloud up on this machine",
    "verify": "Prove that a cloud works: boot a guest, move bytes, leave nothing behind",
}


class Commands(click.Group):
    """Loads a command's module when it is asked for, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in alphabetical order."""
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None when there is none of this name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ouranos.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end quietly when the reader of its output goes away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
            ctx.exit(_CLOSED_PIPE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in sorted(_COMMANDS)])


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "OURANOS", "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="ouranos")
def cli() -> None:
    """Run a private cloud: real OpenStack, described by one file."""


def main() -> None:
    """Run the command line; errors become one message and an exit code.

    0 done; 1 the user's input or a refused check; 2 unexpected; 3 timed out while waiting;
    130 interrupted by Ctrl-C; 141 the reader of our output went away, as in `ouranos logs | head`.
    """
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - nobody else is left to say it in one line
        from ouranos.cli import errors  # noqa: PLC0415 - not needed where all goes well

        told = errors.explained(error)
        told.show()
        sys.exit(told.exit_code)
