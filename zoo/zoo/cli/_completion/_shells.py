"""How each shell asks, and how it is answered.

What click brings for them splits a line where bash does, at every `:`, `=` and `@`, and leaves a
space behind `folder:`; so each is asked here for its line as it is, up to the cursor.
"""

import os
import re
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from ._scripts import SCRIPTS

_END = "\x1f"
"""Put behind the line: the word it ends up in is the one that the cursor is in."""

_SPECIAL = re.compile(r"([^\w@%+=:,./~^{}\[\]-])")
"""Characters that bash would take for something else than part of a word."""


class _FromLine(ShellComplete):
    """Takes words from `COMP_LINE` where there is one, else as click's own scripts send them."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor's, less the program's name, and the cursor's."""
        line = os.environ.get("COMP_LINE")
        if line is None:
            words, incomplete = super().get_completion_args()
        else:
            *words, last = split_arg_string(line + _END)
            words, incomplete = words[1:], last.removesuffix(_END)
        # It may stand anywhere, and is known to no command.
        return [word for word in words if word != "--debug"], incomplete

    def source(self) -> str:
        """Return what makes the shell ask."""
        return self.source_template

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return whole words, `--flag=` before them where it was typed."""
        found = super().get_completions(args, incomplete)
        flag, equals, _ = incomplete.partition("=")
        before = flag + equals if equals and flag.startswith("--") else ""
        return [_worded(f"{before}{item.value}", item) for item in found]


class Bash(_FromLine, BashComplete):
    """Answers bash with what follows the last place where it breaks words."""

    source_template = SCRIPTS["bash"]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return the ends of words that bash puts in the place of `COMP_TEXT`."""
        found = super().get_completions(args, incomplete)
        text = os.environ.get("COMP_TEXT")
        if text is None:
            return found
        line = os.environ["COMP_LINE"]
        if not incomplete.endswith(text):  # outside of quotes it is as it was typed
            text = split_arg_string(text + _END)[-1].removesuffix(_END)
        start = len(incomplete) - len(text) if incomplete.endswith(text) else 0
        is_quoted = line.removesuffix(incomplete)[-1:] in ("'", '"')
        ends = [(item.value[start:], item) for item in found]
        return [_worded(end if is_quoted else _SPECIAL.sub(r"\\\1", end), i) for end, i in ends]


class Zsh(_FromLine, ZshComplete):
    """Answers zsh, which breaks words as programs get them."""

    source_template = SCRIPTS["zsh"]


class Fish(_FromLine, FishComplete):
    """Answers fish, likewise."""

    source_template = SCRIPTS["fish"]


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def _worded(value: str, item: CompletionItem[Any]) -> CompletionItem[str]:
    return CompletionItem(value, type=item.type, help=item.help)
