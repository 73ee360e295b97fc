"""Runs checks for `run_apart`: `python -m zoo.conformance._child NAME ROOT PATTERNS FIRST`."""

import json
import sys
from pathlib import Path

import zoo_registry

from .._told import own_stdout
from ._plan import plan_checks

_LIGHT = ("plugin", "tracker")
"""Kinds whose checks need no torch."""
_THREADS = 4
"""What is computed is small."""


def main(name: str, root: str, patterns: str, first: str) -> None:
    """Plan the checks again, and run those from `first` on.

    Args:
        name: of the plugin.
        root: the folder handed to datasets; empty: the zoo's own.
        patterns: a JSON array.
        first: number of the first check to run, counted from 0.
    """
    tell = own_stdout()
    registry = zoo_registry.load()
    data_root = Path(root) if root else None
    checks = plan_checks(registry, name, json.loads(patterns), data_root=data_root)
    if any(check.kind not in _LIGHT for check in checks[int(first) :]):
        import torch  # here, so that no check's time has it

        torch.set_num_threads(min(torch.get_num_threads(), _THREADS))
    tell({"begin": first})
    for check in checks[int(first) :]:
        outcome = check.run()
        tell(
            {
                "verdict": outcome.verdict,
                "detail": outcome.detail,
                "seconds": round(outcome.seconds, 3),
            }
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
