"""Groups of commands: unknown names are answered, and a list is quick."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

from zoo_registry import nearest


class Group(click.Group):
    """A group that answers the name of a command that it has not with the nearest that it has."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command in `args`."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            close = nearest(args[0], names)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
            raise click.UsageError(f"no command named {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


class Subcommands(Group):
    """A group that knows where its subcommands live, and imports those that are used."""

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
