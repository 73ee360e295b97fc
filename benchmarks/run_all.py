"""Runs every comparison that needs no GPU, one after another, and prints Markdown for the README.

    python benchmarks/run_all.py --data DIR [--images DIR] --out DIR [--rounds N] [--quick] [NAME…]

Each command's JSON is kept as `<out>/<name>.json`. A command that fails is told of on stderr, the
others go on, and the exit code is 1.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from side_by_side import as_markdown, say

HERE = Path(__file__).resolve().parent
COMMANDS = {
    "loop_overhead": (),
    "mnist_epoch": ("data",),
    "mnist_to_99": ("data",),
    "folder_epochs": ("data", "images"),
    "memory": ("data",),
    "weights": (),
    "checkpoint_pause": (),
    "hub": (),
    "list_runs": (),
    "list_plugins": (),
}
"""The commands, and which of the flags that name folders each has."""


def command(name: str, options: argparse.Namespace) -> list[str]:
    """Return the command line that measures one comparison."""
    line = [sys.executable, str(HERE / f"{name}.py"), "--json"]
    line += ["--quick"] if options.quick else []
    line += ["--rounds", str(options.rounds)] if options.rounds else []
    for flag in COMMANDS[name]:
        if getattr(options, flag) is not None:
            line += [f"--{flag}", str(getattr(options, flag).resolve())]
    return line


def measure(name: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run a command and keep its JSON; return it, or None where it failed."""
    say(f"== {name}")
    done = subprocess.run(command(name, options), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"{name} ended with {done.returncode}")
        return None
    (options.out / f"{name}.json").write_text(done.stdout, encoding="utf-8")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """Run them all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these commands")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with MNIST/raw")
    parser.add_argument("--images", type=Path, metavar="DIR", help="CIFAR-10, unpacked")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="keeps the JSON")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: each command's own")
    parser.add_argument("--quick", action="store_true", help="trials: no true figures")
    options = parser.parse_args()
    if unknown := set(options.names) - set(COMMANDS):
        parser.error(f"no command {', '.join(sorted(unknown))}; there are: {', '.join(COMMANDS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    reports = [measure(name, options) for name in options.names or COMMANDS]
    if measured := [report for report in reports if report is not None]:
        print(as_markdown(measured))
    return 0 if len(measured) == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
