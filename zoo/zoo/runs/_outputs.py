"""Where a file may be written that a user has named."""

from pathlib import Path

from zoo_registry import UsageError

from .._weight_files import SAFETENSORS, TORCH
from ..home import home
from ._run import RECORD


def require_place(out: Path, *, force: bool) -> None:
    """Refuse a place for a file where none can be, or where one is that is to stay.

    Weights in the folder of a run, or of what was pulled, stay in any case: what is recorded of
    them would no more be true.

    Args:
        out: the file.
        force: whether another file there is replaced.

    Raises:
        UsageError: nothing is to be written there; the text says why, and what to do.
    """
    if out.is_dir():
        raise UsageError(f"{out} is a folder; give a file's name with -o")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}; create it first")
    if out.exists() and (owner := _owner(out)):
        raise UsageError(f"{out} is kept as it is, as all in {owner}; give another name with -o")
    if out.exists() and not force:
        raise UsageError(f"{out} exists; --force replaces it, -o OUT writes elsewhere")


def _owner(out: Path) -> Path | None:
    """Return the folder of a run, or of what was pulled, whose weights a file may be."""
    if out.suffix not in (SAFETENSORS, *TORCH):
        return None
    folder, pulled = out.parent.resolve(), (home() / "hub").resolve()
    above = (folder, *folder.parents)
    return next((one for one in above if one == pulled or (one / RECORD).is_file()), None)
