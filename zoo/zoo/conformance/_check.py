"""One check of one subject, and what came of it."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from zoo_registry import Entry, Plugin, Registry, ZooError, resolve

OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"
_LONGEST = 300
"""Characters of a detail: a row is a line."""


class Failed(ZooError):
    """A check did not hold; the text says what was found."""


class Skipped(ZooError):
    """A check could not be tried here; the text says why."""


@dataclass(frozen=True)
class Subject:
    """What is checked: a plugin as a whole, or one of its specs."""

    registry: Registry
    """Everything that is installed: models are tried with other plugins' data and losses."""
    plugin: Plugin
    entry: Entry | None = None
    """The spec; None for the plugin as a whole."""
    data_root: Path | None = None
    """The folder handed to datasets; None: the zoo's own."""

    @property
    def name(self) -> str:
        """The qualified name of the spec, or the plugin's."""
        return self.entry.name if self.entry else self.plugin.name

    @property
    def spec_entry(self) -> Entry:
        """The entry, in a check that is about one."""
        assert self.entry is not None
        return self.entry


@dataclass(frozen=True)
class Outcome:
    """What came of a check."""

    verdict: str
    """`ok`, `FAILED` or `skipped`."""
    detail: str = ""
    """One line: what was found, or why it was skipped."""
    seconds: float = 0.0
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What was raised, where it was raised in this process."""

    @property
    def holds(self) -> bool:
        """Whether it held, or could not be tried."""
        return self.verdict != FAILED


@dataclass(frozen=True)
class Check:
    """A check that is planned: of what, of which kind, and where its code is."""

    subject: Subject
    kind: str
    """`plugin`, or the kind of the spec."""
    title: str
    """What holds if it passes."""
    address: str
    """Of the function that tries it: given the subject, it returns a detail or raises."""

    @property
    def name(self) -> str:
        """The subject and the title, as a test is called."""
        return f"{self.subject.name}: {self.title}"

    def run(self) -> Outcome:
        """Try it, in this process. Whatever a plugin raises is an outcome.

        Raises:
            KeyboardInterrupt: the user's.
        """
        started = time.perf_counter()

        def outcome(verdict: str, detail: str, error: BaseException | None = None) -> Outcome:
            return Outcome(verdict, one_line(detail), time.perf_counter() - started, error)

        try:
            attempt = resolve(self.address)  # imports torch, where the check needs it
            with _apart_from_this_process():
                return outcome(OK, attempt(self.subject) or "")
        except Skipped as skipped:
            return outcome(SKIPPED, str(skipped))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, SystemExit too
            return outcome(FAILED, cause(error), error)


def cause(error: BaseException) -> str:
    """Say in a line what was raised; a ZooError's text is enough."""
    kind = type(error).__name__
    try:
        text = one_line(str(error))
    except Exception:  # noqa: BLE001 - an exception's own text is a plugin's code too
        return kind
    if isinstance(error, ZooError):
        return text
    return f"{kind}: {text}" if text else kind


def one_line(text: str) -> str:
    """Bring a text to one line of a row's length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


@contextmanager
def _apart_from_this_process() -> Iterator[None]:
    """Draw the same at random every time, and keep that and warnings from whoever runs a check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = sys.modules.get("torch")
        if torch is None:
            yield
            return
        from zoo.data import generators_kept, seed_others  # they import torch

        with generators_kept():
            torch.default_generator.manual_seed(0)
            seed_others(0)
            yield
