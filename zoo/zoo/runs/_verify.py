"""Checking that a run's files are those that were stored."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from .._digests import fault_in
from .._files import reason
from ..errors import CorruptWeights
from ._run import Run, altered


def verify_files(run: Run, *, only: Collection[str] | None = None) -> list[Path]:
    """Compare each file that the run records with its digest there; return the files.

    Args:
        run: whose files they are.
        only: names of the files to look at, as the record has them; None: all.

    Raises:
        CorruptWeights: a file is missing, or has other bytes; the text names it. Also where the
            record itself can't be read.
    """
    if run.state == "damaged":
        raise CorruptWeights(f"{run.path} can't be verified: {run.reason}.")
    files = []
    for name, facts in run.record["files"].items():
        if only is not None and name not in only:
            continue
        file = run.path / name
        if fault := _fault(run.path, file, facts):
            raise altered(file, fault)
        files.append(file)
    return files


def _fault(folder: Path, file: Path, facts: Any) -> str:
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            return "it is outside the run's folder"
        with file.open("rb") as stream:
            return fault_in(stream, facts)
    except OSError as error:
        return reason(error).lower()
    except ValueError:  # a NUL in its name
        return "no file can have that name"
