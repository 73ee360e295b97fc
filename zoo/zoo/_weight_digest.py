"""The digest that a safetensors file of zoo's carries, by which a flipped bit is noticed.

`zoo.sha256` in the metadata is the sha256 of the file's beginning, up to the tensors and with 64
zeros in place of the digest, followed by the sha256 of each tensor's bytes in the header's order.
So tensors can be hashed side by side.
"""

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import FileIO
from pathlib import Path

from ._cores import usable_cores
from ._weight_header import Extent, Header, read_header, with_sorted_metadata

FORMAT = "zoo.format"
SHA256 = "zoo.sha256"
MARKS = {FORMAT: "1", SHA256: "0" * 64}
"""The metadata of a file that `stamp` can stamp."""

# Written compactly and never escaped; no text within the JSON can look like it, for there each
# quotation mark has a backslash before it.
_DIGITS = re.compile(rb'[{,]"zoo\.sha256":"([0-9a-f]{64})"')
_CHUNK = 1 << 20
"""Bytes read at a time."""
_BATCH = 32 * _CHUNK
"""Bytes that a thread takes at a time, in whole tensors."""


def stamp(path: Path) -> None:
    """Write the digest into a file whose metadata hold `MARKS`, and put those in order.

    safetensors leaves their order to chance, and with it the bytes of the file.
    """
    with path.open("rb+", buffering=0) as stream:
        header = with_sorted_metadata(read_header(stream, path.stat().st_size))
        place = _digits(header)
        digest = _digest(stream, header, place).encode()
        stream.seek(0)
        stream.write(_with_digits(header, place, digest))


def verify(stream: FileIO, header: Header) -> bool:
    """Compare a file with the digest that it carries.

    Args:
        stream: the file.
        header: as it was read from there.

    Returns:
        Whether it carries one: other programs' files don't.

    Raises:
        ValueError: it does, or did, and is not what was written to the last bit.
    """
    there = [mark for mark in MARKS if mark in header.metadata]
    if not there:
        return False
    if len(there) < len(MARKS):
        raise ValueError(f"its header has {there[0]}, but has lost the other of {', '.join(MARKS)}")
    if header.metadata[FORMAT] != MARKS[FORMAT]:
        raise ValueError(
            f"it is of the format {header.metadata[FORMAT]!r}, and this version of zoo knows "
            f"{MARKS[FORMAT]!r}: it is damaged, or a newer zoo wrote it"
        )
    recorded, found = header.metadata[SHA256], _digest(stream, header, _digits(header))
    if found != recorded:
        raise ValueError(
            f"its bytes have changed since it was written (sha256 {found[:12]}…, recorded "
            f"{recorded[:12]}…)"
        )
    return True


def _digits(header: Header) -> int:
    """Return where in the raw header the digest's digits are."""
    found = [match.start(1) for match in _DIGITS.finditer(header.raw)]
    if len(found) != 1:
        raise ValueError(f"its header holds {len(found)} digests of 64 digits, not one")
    return found[0]


def _with_digits(header: Header, place: int, digits: bytes) -> bytes:
    """Return the file's beginning with other digits at `place` of the raw header."""
    raw = header.raw
    return replace(header, raw=raw[:place] + digits + raw[place + len(digits) :]).prefix


def _digest(stream: FileIO, header: Header, place: int) -> str:
    whole = hashlib.sha256(_with_digits(header, place, MARKS[SHA256].encode()))
    reader = _Reader(stream, len(header.prefix))
    batches = list(_batches(list(header.tensors.values())))
    workers = min(usable_cores(), len(batches))
    if workers < 2:
        parts = [reader.digests(batch) for batch in batches]
    else:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(reader.digests, batches))
    whole.update(b"".join(parts))
    return whole.hexdigest()


def _batches(extents: Sequence[Extent]) -> Iterator[list[Extent]]:
    """Split tensors, in order, into lists of about `_BATCH` bytes."""
    batch: list[Extent] = []
    held = 0
    for extent in extents:
        batch.append(extent)
        held += extent.end - extent.begin
        if held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


class _Reader:
    """Hashes tensors of one open file from several threads.

    It reads rather than maps: a file that is cut short meanwhile is an error then, no signal that
    ends the process, and the memory it takes is one chunk for each thread.
    """

    def __init__(self, stream: FileIO, start: int) -> None:
        self._stream = stream
        self._start = start
        self._lock = threading.Lock()

    def digests(self, extents: list[Extent]) -> bytes:
        """Return the sha256 of each tensor's bytes, one after another."""
        buffer = memoryview(bytearray(_CHUNK))
        return b"".join(self._sha256(extent, buffer) for extent in extents)

    def _sha256(self, extent: Extent, buffer: memoryview) -> bytes:
        found = hashlib.sha256()
        place = extent.begin
        while place < extent.end:
            chunk = buffer[: extent.end - place]
            with self._lock:  # one place in the file for all threads; reading is the shorter part
                self._stream.seek(self._start + place)
                count = self._stream.readinto(chunk)
            if not count:
                raise ValueError(f"it ends at byte {self._start + place}")
            found.update(chunk[:count])
            place += count
        return found.digest()
