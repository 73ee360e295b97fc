"""The `zoo` command: finds its subcommands, turns errors into exit codes."""

import functools
import importlib
import os
import sys
import traceback
import warnings
from typing import Any, NoReturn

import click

from zoo._printable import printable
from zoo_registry import ZooError

from ._completion import INSTRUCTION, Items, answer, items
from ._plugin_commands import PluginCommands
from ._subcommands import Group

COMMANDS = {
    "completion": "_completion_script:completion",
    "convert": "_convert:convert",
    "eval": "_eval:evaluate",
    "export": "_export:export",
    "info": "_info:info",
    "list": "_list:list_",
    "plugins": "_plugins:plugins",
    "predict": "_predict:predict",
    "pull": "_pull:pull",
    "push": "_push:push",
    "reproduce": "_reproduce:reproduce",
    "resume": "_resume:resume",
    "runs": "_runs:runs",
    "train": "_train:train",
    "verify": "_verify:verify",
}
"""Each subcommand's place; imported when it is used, for each has its own cost."""

GROUP_HELP = """Train, keep and reuse PyTorch models that come as plugins.

  zoo list                     what can be trained
  zoo train mnist-cnn          train it
  zoo predict RUN image.png    ask it

Any command takes --debug, which shows the traceback behind an error.
"""


class Zoo(Group):
    """zoo's own commands, and behind them those that plugins add."""

    @functools.cached_property
    def _added(self) -> PluginCommands:
        return PluginCommands(say)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """List all commands, the plugins' too."""
        return sorted({*COMMANDS, *self._added.lines()})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        """Find a command; plugins are asked for those that are not zoo's own."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(f"zoo.cli.{module}"), name)
            return command
        return self._added.find(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and a line on each; a plugin's as it is remembered."""
        lines = self._added.lines()
        own = {name: found for name in COMMANDS if (found := self.get_command(ctx, name))}
        room = formatter.width - 6 - max(map(len, (*lines, *own)))
        lines |= {name: found.get_short_help_str(room) for name, found in own.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> Items:
        """Offer commands, with a line on each, a plugin's as it is remembered; and flags."""
        lines = self._added.lines()
        for name in COMMANDS:
            if name.startswith(incomplete) and (found := self.get_command(ctx, name)):
                lines[name] = found.get_short_help_str()
        flags = click.Command.shell_complete(self, ctx, incomplete)
        return items(sorted(lines.items()), incomplete) + flags


@click.group(cls=Zoo, help=GROUP_HELP.replace("\n  zoo", "\n\b\n  zoo", 1))
@click.version_option(package_name="zoo-registry", prog_name="zoo")
def cli() -> None:
    """Stand for the whole program."""


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrongly asked, 75 and 130 stopped."""
    if INSTRUCTION in os.environ:
        answer(cli)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    warnings.showwarning = _show_warning
    try:
        code = cli.main(arguments, prog_name="zoo", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, its line and its code tell
        if debug and not isinstance(error, BrokenPipeError):
            say("".join(traceback.format_exception(error)).rstrip())
        sys.exit(_show(error))
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    sys.exit(code if isinstance(code, int) else 0)


def _show(error: Exception) -> int:
    """Print an error in a few lines; return its exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    if isinstance(error, click.ClickException):
        hint = (
            f" (`{error.ctx.command_path} --help`)"
            if isinstance(error, click.UsageError) and error.ctx
            else ""
        )
        say(f"zoo: {error.format_message()}{hint}")
        return error.exit_code
    if isinstance(error, click.Abort):
        return _interrupted()
    if isinstance(error, BrokenPipeError):
        # The reader has left (`zoo list | head`); Python must not flush into its pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, ZooError):
        say(f"zoo: {error}")
        return error.exit_code
    say(f"zoo: {type(error).__name__}: {str(error)[:300]}\nThis is a bug; --debug shows where.")
    return 1


def _interrupted() -> int:
    say("zoo: interrupted")
    return 130


def _show_warning(message: Warning | str, *_details: Any, **_more: Any) -> None:
    say(f"warning: {' '.join(str(message).split())}")


def say(text: str) -> None:
    """Print on stderr; what came out of a file, a name, a cause, does not steer the terminal."""
    click.echo(printable(text), err=True)
