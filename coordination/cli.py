"""`concord`: one group of commands. Exit status 0 done, 1 failed, 2 wrong use; every error says what to do."""

from __future__ import annotations

import importlib
import sys

import click

from foundation.errors import Problem

# name -> module of coordination.commands that holds it; loaded when it is used, so that `concord --help` is quick.
COMMANDS = {
    "demo": "run",
    "serve": "run",
    "worker": "run",
    "scheduler": "run",
    "db": "database",
    "seed": "database",
    "token": "people",
    "audit": "people",
    "account": "signing_in",
    "import": "importing",
    "replay": "replaying",
    "score": "asking",
    "export": "asking",
    "doctor": "doctoring",
}


class Lazy(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the list."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command called `name`."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"coordination.commands.{COMMANDS[name]}")
        command: click.Command = getattr(module, f"{name}_command")
        return command


@click.group(cls=Lazy)
@click.version_option(package_name="concord")
def concord() -> None:
    """Early warning and coordination for local violence prevention."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a Problem becomes two lines on standard error and exit status 1."""
    try:
        concord.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2 if isinstance(error, click.UsageError) else 1)
    except click.Abort:
        click.echo("Stopped. What was finished before is kept.", err=True)
        sys.exit(1)
    except Problem as problem:
        click.echo(f"{problem.message}\n{problem.hint}".rstrip(), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
