"""A group whose subcommands are imported when they are used: a list is to be quick."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click


class Subcommands(click.Group):
    """A group that knows where its subcommands live."""

    places: ClassVar[Mapping[str, str]] = {}
    """Of each subcommand, the module in this package that has a command of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """List the subcommands."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Find a subcommand."""
        if cmd_name not in self.places:
            return None
        module = importlib.import_module(f"zoo.cli.{self.places[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command
