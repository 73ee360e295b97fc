"""Checking that a run's files are those that were stored."""

import hashlib
from pathlib import Path
from typing import Any

from .._files import reason
from ..errors import CorruptWeights
from ._run import Run


def verify_files(run: Run) -> list[Path]:
    """Compare each file that the run records with its digest there; return the files.

    Raises:
        CorruptWeights: a file is missing, or has other bytes; the text names it. Also where the
            record itself can't be read.
    """
    if run.state == "damaged":
        raise CorruptWeights(f"{run.path} can't be verified: {run.reason}.")
    files = []
    for name, facts in run.record["files"].items():
        file = run.path / name
        if fault := _fault(run.path, file, facts):
            raise CorruptWeights(
                f"{file} is not what the run stored: {fault}. Copy the run again from where it "
                "is whole, or train it again from its recipe.toml."
            )
        files.append(file)
    return files


def _fault(folder: Path, file: Path, facts: Any) -> str:
    if not isinstance(facts, dict):
        return "nothing is recorded of it"
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            return "it is outside the run's folder"
        with file.open("rb") as stream:
            size = file.stat().st_size
            if size != facts.get("bytes"):
                return f"it has {size} bytes, {facts.get('bytes')} were stored"
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return reason(error).lower()
    except ValueError:  # a NUL in its name
        return "no file can have that name"
    return "" if sha256 == facts.get("sha256") else "its bytes have changed"
