"""A training in a process of its own, to be killed: `python -m zoo.verify._trainee FACTS.json`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._registry import registry
from ..errors import Stopped
from ..recipe import Plan
from ..reporting import EpochRow, Silent, Started
from ..runs import find_run
from ..training import Request, train
from ._subject import Subject

STARTED = "started"
"""The line that says that steps are being taken."""


class _Announcing(Silent):
    """Says when the first step is about to be taken; who kills wants to hit the training."""

    def started(self, facts: Started) -> None:  # noqa: ARG002 - the protocol's
        """Print that it has started."""
        print(STARTED, flush=True)  # noqa: T201 - to the process that waits for it

    def epoch_ended(self, row: EpochRow) -> None:
        """Print nothing: the pipe may be full."""


def main(facts: dict[str, Any]) -> int:
    """Train, or go on where the run is there; return the exit code.

    Args:
        facts: `settings` and `root` of the subject, `changes` to its settings, `name` of the run,
            and whether it is to be `resumed`.
    """
    root = Path(facts["root"])
    subject = Subject.read(facts["settings"], root, lambda _text: None)
    plan = Plan({**subject.plan.settings, **facts["changes"]}, subject.plan.entries)
    request = Request(plans=[plan], objects={"dataset": subject.splits}, data_root=root)
    name = facts["name"]
    if facts["resumed"]:
        run = find_run(name)
        if run.state == "done":  # the kill came too late
            return 0
        request, name = replace(request, resumed=run), None
    try:
        train(request, registry(), _Announcing(), name)
    except Stopped as stopped:
        return stopped.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
