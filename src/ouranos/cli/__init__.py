"""The `ouranos` command: one module per command, imported only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

# command -> what `ouranos --help` says of it; each module holds a click command named `command`
_COMMANDS = {
    "bench": "Measure this cloud: times, CPU seconds, memory",
    "doctor": "Name each thing that would make `up` fail, before anything is changed",
    "down": "Stop a cloud and keep its data, or leave nothing of it",
    "kubeconfig": "Print the kubeconfig of a cloud",
    "logs": "Print what a service says",
    "metrics": "Print the daemon's metrics",
    "openstack": "Run OpenStack's own client against a cloud",
    "status": "Say in one line how a cloud is",
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

    0 done; 1 the user's input or a refused check; 2 unexpected; 3 timed out while waiting.
    """
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo(
            "interrupted; what was begun goes on, and the same command picks it up", err=True
        )
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
