"""`zoo completion`: what makes a shell complete zoo's command lines."""

import os
from pathlib import PurePath

import click

from zoo_registry import UsageError, nearest

from ._completion import SCRIPTS, one_of


@click.command("completion")
@click.argument("shell", required=False, metavar="[SHELL]", shell_complete=one_of(*SCRIPTS))
def completion(shell: str | None) -> None:
    r"""Print the script that makes SHELL complete commands, names and settings.

    SHELL is bash, zsh or fish; without it, the one that $SHELL names. One line installs it:

    \b
    bash  echo 'eval "$(zoo completion bash)"' >> ~/.bashrc
    zsh   echo 'eval "$(zoo completion zsh)"' >> ~/.zshrc
    fish  zoo completion fish > ~/.config/fish/completions/zoo.fish

    It holds for shells that are started afterwards.
    """
    click.echo(SCRIPTS[_known(shell or _running())], nl=False)


def _known(shell: str) -> str:
    if shell in SCRIPTS:
        return shell
    close = nearest(shell, SCRIPTS)
    hint = f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(SCRIPTS)}"
    raise UsageError(f"no completion for the shell {shell!r}{hint}")


def _running() -> str:
    """Return the name of the user's shell.

    Raises:
        UsageError: nothing tells it.
    """
    if path := os.environ.get("SHELL"):
        return PurePath(path).name
    raise UsageError(f"$SHELL is not set; write zoo completion {'|'.join(SCRIPTS)}")
