"""Putting a file in its place that has been written and found to be good."""

import shutil
from collections.abc import Callable
from pathlib import Path

from .._files import SavedFile, storage_error, write_atomically
from ..runs import hidden_name, sweep
from ._compare import Difference


def publish(
    out: Path, write: Callable[[Path], None], check: Callable[[Path], Difference]
) -> tuple[SavedFile, Difference]:
    """Write a file in a hidden folder beside `out`, check it, and put it in its place.

    What killed exports have left beside it goes, too.

    Args:
        out: the file; its folder must exist.
        write: given a path that ends as `out` does, an empty file.
        check: compares what was written; raises where that is no good.

    Raises:
        StorageError: it can't be written.
    """
    found: list[Difference] = []

    def fill(file: Path) -> None:
        write(file)
        found.append(check(file))

    sweep(out.parent, shared=True)
    # A folder, as readers go by the name's end, which a temporary's own is not.
    folder = out.with_name(hidden_name(out.name[:40]))
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise storage_error(out, error) from error
    try:
        return write_atomically(out, fill, folder / f"export{out.suffix}"), found[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
