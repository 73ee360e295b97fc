"""What a record says of a file, and whether the file is still that."""

import os
from io import BufferedReader, BytesIO
from typing import Any

from ._files import SavedFile


def facts_of(saved: SavedFile) -> dict[str, Any]:
    """Return what a record says of a file: its `sha256` and its size in `bytes`."""
    return {"sha256": saved.sha256, "bytes": saved.size}


def fault_in(stream: BufferedReader | BytesIO, facts: Any) -> str:
    """Say in what a file differs from what is recorded of it; nothing where it does not.

    Args:
        stream: the file, opened to read.
        facts: as `facts_of` returned them, or whatever a record has in their place.
    """
    import hashlib  # here, for a list of runs that are known already needs none

    if not isinstance(facts, dict):
        return "nothing is recorded of it"
    size = stream.seek(0, os.SEEK_END)
    if size != facts.get("bytes"):
        return f"it has {size} bytes, {facts.get('bytes')} were stored"
    stream.seek(0)
    sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return "" if sha256 == facts.get("sha256") else "its bytes have changed"
