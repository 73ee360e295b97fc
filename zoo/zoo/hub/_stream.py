"""A file of a commit, streamed to the disk. Runs in the process of `_child` alone.

The client's own download shows nothing of a slow link until ten megabytes have come, writes on and
on where a hub does, and begins anew where a connection breaks.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub

_utils: Any = huggingface_hub.utils
"""Its functions for whoever speaks with a hub himself are documented, and not typed as public."""
_PARTIAL = 206


def stream(
    tell: Callable[[dict[str, Any]], None],  # noqa: ARG001 - each call is given it
    repo: str,
    revision: str,
    name: str,
    size: int,
    folder: str,
) -> str:
    """Bring a file of `size` bytes into a folder; return its path.

    It goes on behind what is there of it already. Of a longer one a byte too many is kept, and the
    rest not waited for.

    Raises:
        ConnectionError: it ended early.
    """
    file = Path(folder, name)
    have = file.stat().st_size if file.exists() else 0
    if 0 < size <= have:
        return str(file)
    # Compressed, its bytes would be no measure of what is to come.
    headers = {**_utils.build_hf_headers(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    url = huggingface_hub.hf_hub_url(repo, name, revision=revision)
    with _utils.get_session().stream("GET", url, headers=headers) as response:
        _utils.hf_raise_for_status(response)
        come = _write(file, response, have if response.status_code == _PARTIAL else 0, size)
    if come < size:
        raise ConnectionError(f"{name} ended after {come:,} of {size:,} bytes")
    return str(file)


def _write(file: Path, response: Any, start: int, size: int) -> int:
    """Write what comes, behind the first `start` bytes; return how many there are now."""
    with file.open("ab") as out:
        out.truncate(start)
        come = start
        for chunk in response.iter_raw():
            out.write(chunk[: size + 1 - come])
            out.flush()  # how much has come is seen by the size
            come = out.tell()
            if come > size:
                break
    return come
