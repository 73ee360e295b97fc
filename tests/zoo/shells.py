"""Real shells on a terminal of their own, in which a command line is typed and Tab is pressed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ON_A_TERMINAL = """
import pty, sys
sys.exit(pty.spawn(sys.argv[1:]) >> 8)
"""

STARTED = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
"""How each is started with no file of the user's."""

INSTALLED = {
    "bash": 'eval "$(zoo completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -D; eval "$(zoo completion zsh)"',
    "fish": "zoo completion fish | source",
}

SHIM = """\
#!{python}
import os, subprocess, sys
if "_ZOO_COMPLETE" in os.environ or sys.argv[1:2] == ["completion"]:
    sys.exit(subprocess.call([sys.executable, "-m", "zoo", *sys.argv[1:]]))
print("\\nTYPED", *map(ascii, sys.argv[1:]), "ENTERED", sep="\\x1f")
"""
"""A `zoo` that completes as the real one does, and else prints its arguments."""


def typed(shell: str, lines: list[str], folder: Path) -> list[list[str]]:
    r"""Type lines into a shell, in which `\t` is the key; return zoo's arguments in each."""
    (shim := folder / "bin" / "zoo").parent.mkdir(exist_ok=True)
    shim.write_text(SHIM.format(python=sys.executable), encoding="utf-8")
    shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "TERM": "dumb",
    }
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, *STARTED[shell]],
        input="\n".join([INSTALLED[shell], *lines, "exit", ""]),
        env=environment,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
    )
    found = re.findall("TYPED\x1f(.*?)\x1fENTERED", done.stdout, re.DOTALL)
    assert len(found) == len(lines), done.stdout + done.stderr
    return [[word[1:-1] for word in words.split("\x1f")] for words in found]


def is_there(shell: str) -> bool:
    """Say whether a shell is installed."""
    return shutil.which(shell) is not None
