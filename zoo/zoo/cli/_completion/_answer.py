"""Answers a shell: completions, and never another word."""

import os
from contextlib import suppress
from typing import NoReturn

import click

from zoo._collector import no_collection

INSTRUCTION = "_ZOO_COMPLETE"
"""The variable in which a shell says what it wants: `bash_complete`, `bash_source`."""


def answer(cli: click.Command) -> NoReturn:
    """Do what the shell wants of `cli`, and exit.

    Whatever goes wrong completes nothing, and nobody but the shell is told anything: what plugins
    print would end up in the middle of the line that somebody is typing. They are not waited for
    either, neither for their threads nor for what they do at exit.
    """
    stdout = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    try:
        with no_collection():
            text = _text(cli, os.environ.get(INSTRUCTION, ""))
    except BaseException:  # noqa: BLE001 - a plugin may raise anything, and Ctrl-C is no news here
        text = ""
    with suppress(OSError), os.fdopen(stdout, "wb") as stream:
        stream.write(os.fsencode(text))
    os._exit(0)


def _text(cli: click.Command, instruction: str) -> str:
    from click.shell_completion import get_completion_class

    from ._shells import SHELLS

    shell, _, wanted = instruction.partition("_")
    kind = SHELLS.get(shell) or get_completion_class(shell)
    if kind is None or wanted not in ("complete", "source"):
        return ""
    shell_complete = kind(cli, {}, "zoo", INSTRUCTION)
    text = shell_complete.complete() if wanted == "complete" else shell_complete.source()
    return f"{text}\n" if text else ""
