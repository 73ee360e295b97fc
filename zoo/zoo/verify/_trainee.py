"""A training in a process of its own that ends itself: `python -m zoo.verify._trainee FACTS`."""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._registry import registry
from ..data import Batch
from ..errors import Stopped
from ..recipe import Plan
from ..reporting import Silent, Started
from ..runs import find_run
from ..training import Request, train
from ._subject import Subject

_SIGNALS = ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM")
"""One of these at random: a machine that fails, or one that asks for its cores back."""
_LATER = 3.0
"""Steps' times until the signal comes, at most: in the step, a later one, an evaluation, a save."""


class _Doomed(Silent):
    """Sends this process a signal at a random moment from a random step on.

    Args:
        seed: of both.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - moments are no secrets
        self._steps = self._last = 0
        self._began = 0.0

    def started(self, facts: Started) -> None:
        """Choose a step among those that are left."""
        self._began = time.monotonic()
        left = facts.epochs * facts.num_batches - facts.step
        self._last = self._random.randint(1, left) if left else 0

    def watch(
        self,
        batches: Iterator[Batch],
        epoch: int,  # noqa: ARG002
        loss: Callable[[], float],  # noqa: ARG002
    ) -> Iterator[Batch]:
        """Pass the batches through; from the chosen one on the end is near."""
        for batch in batches:
            self._steps += 1
            if self._steps == self._last:
                seconds = (time.monotonic() - self._began) / self._steps
                self._end_in(seconds * self._random.uniform(0, _LATER))
            yield batch

    def _end_in(self, seconds: float) -> None:
        number = getattr(signal, self._random.choice(_SIGNALS))
        timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()


def main(facts: dict[str, Any]) -> int:
    """Train, or go on where the run is there; return the exit code.

    Args:
        facts: `settings` and `root` of the subject, `changes` to its settings, `name` of the run,
            whether it is to be `resumed`, and the `seed` of its end, None to let it train.
    """
    root = Path(facts["root"])
    subject = Subject.read(facts["settings"], root, lambda _text: None)
    plan = Plan({**subject.plan.settings, **facts["changes"]}, subject.plan.entries)
    request = Request(plans=[plan], objects={"dataset": subject.splits}, data_root=root)
    name = facts["name"]
    if facts["resumed"]:
        run = find_run(name)
        if run.state == "done":  # the end came too late
            return 0
        request, name = replace(request, resumed=run), None
    reporter = Silent() if facts["seed"] is None else _Doomed(facts["seed"])
    try:
        train(request, registry(), reporter, name)
    except Stopped as stopped:
        return stopped.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
