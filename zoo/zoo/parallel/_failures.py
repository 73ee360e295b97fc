"""How a rank tells the process that launched it why it ended, and what is made of that there."""

import json
import signal
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo_registry import ZooError

from .. import errors
from .._files import write_text

_TRANSPORTS = ("gloo", "Gloo", "NCCL")
"""What torch's errors about messages between ranks name; their classes begin with Dist, or not."""


class RankFailed(ZooError):
    """A rank ended, or can't be reached, and the others were ended with it.

    Attributes:
        exit_code: that of the error which the rank raised, where it was one of zoo's; else 1.
    """

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class RankTraceback(Exception):
    """What happened in a rank, as text: the cause of the error that is raised for it here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error that ended a rank, as it is told to the process that launched it."""

    rank: int
    kind: str
    """The name of the error's class."""
    text: str
    exit_code: int | None
    """None for an error that zoo did not raise on purpose."""
    asked_for: bool
    """Whether it only says that the rank was told to end."""
    traceback: str
    when: float
    """Seconds since 1970."""

    @classmethod
    def of(cls, error: BaseException, rank: int, *, asked_for: bool = False) -> "Failure":
        """Describe what `rank` raised."""
        return cls(
            rank=rank,
            kind=type(error).__name__,
            text=str(error),
            exit_code=error.exit_code if isinstance(error, ZooError) else None,
            asked_for=asked_for,
            traceback="".join(traceback.format_exception(error)),
            when=time.time(),
        )

    @property
    def purposeful(self) -> bool:
        """Whether the rank raised it on purpose, so that starting again would not mend it."""
        return not (self.exit_code is None or self.asked_for or self.kind == RankFailed.__name__)

    @property
    def is_echo(self) -> bool:
        """Whether it only says that another rank was no longer there to talk to."""
        return self.kind.startswith("Dist") or any(word in self.text for word in _TRANSPORTS)

    def store(self, folder: Path) -> None:
        """Write it where `read_failures` looks for it."""
        write_text(folder / f"{self.rank}.json", json.dumps(asdict(self)))

    def error(self) -> ZooError:
        """Return the error to raise: of the same class, if it is one of `zoo.errors`."""
        if self.exit_code is None:
            first = self.text.strip().partition("\n")[0]
            error: ZooError = RankFailed(f"rank {self.rank} failed: {self.kind}: {first}")
        elif self.kind == errors.Stopped.__name__:
            error = errors.Stopped(self.text, self.exit_code)
        elif self.kind in errors.__all__:
            error = getattr(errors, self.kind)(self.text)
        else:
            error = RankFailed(self.text, self.exit_code)
        error.__cause__ = RankTraceback(self.traceback)
        return error


def read_failures(folder: Path) -> dict[int, Failure]:
    """Return what ranks have stored in `folder`, rank by rank."""
    found = [Failure(**json.loads(path.read_text("utf-8"))) for path in folder.glob("*.json")]
    return {failure.rank: failure for failure in found}


def purposeful(failures: Mapping[int, Failure]) -> Failure | None:
    """Return the first error that some rank raised on purpose."""
    candidates = [failure for failure in failures.values() if failure.purposeful]
    return min(candidates, key=lambda failure: failure.when, default=None)


def why_ended(rank: int, exit_code: int, failures: Mapping[int, Failure]) -> ZooError:
    """Return the error for a rank that ended with `exit_code`; below 0, by that signal.

    Where it raised one, so may have others, and all but one only because that one was gone.
    """
    if rank in failures:
        order = sorted(failures.values(), key=lambda f: (f.asked_for, f.is_echo, f.when))
        return order[0].error()
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        memory = ", as happens where memory runs out" if name == "SIGKILL" else ""
        return RankFailed(f"rank {rank} was ended by {name}{memory}")
    return RankFailed(
        f"rank {rank} ended with exit code {exit_code} and no error of its own; what it printed "
        "says why. A script that trains on several ranks does so below "
        "`if __name__ == '__main__':`, for each rank imports it again"
    )
