"""The header of a safetensors file, read without torch and within bounds.

A file is the header's length, uint64 little-endian; the header, JSON; and the tensors' bytes.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import FileIO
from typing import Any, NamedTuple

_LONGEST = 25_000_000
"""Bytes of a header: names and shapes of some 200,000 tensors."""
_MOST_PARTS = 5_000_000
"""Commas, colons, brackets and quotation marks: they bound the memory that parsed JSON takes."""
_LENGTH = 8
"""Bytes of the header's length."""


class Extent(NamedTuple):
    """One tensor of a file."""

    dtype: str
    """As safetensors spells it: `F32`, `BOOL`."""
    shape: tuple[int, ...]
    begin: int
    """Where its bytes are, counted from the end of the header."""
    end: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """What a file says of itself."""

    raw: bytes
    """The header's own bytes."""
    tensors: Mapping[str, Extent]
    """By name, in the header's order; their bytes follow one another without a gap."""
    metadata: Mapping[str, str]

    @property
    def prefix(self) -> bytes:
        """The file's bytes before those of the tensors."""
        return len(self.raw).to_bytes(_LENGTH, "little") + self.raw


def read_header(stream: FileIO, size: int) -> Header:
    """Read the header of a file of `size` bytes from its beginning.

    Raises:
        ValueError: it is none, it does not describe a file of that size, or it is larger than
            any that a model has.
    """
    stream.seek(0)
    length = int.from_bytes(stream.read(_LENGTH), "little")
    if not 2 <= length <= size - _LENGTH:
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    if length > _LONGEST:
        raise ValueError(f"a header of {length} bytes; up to {_LONGEST:,} are read")
    raw = stream.read(length)
    if sum(map(raw.count, (b",", b":", b"[", b"{", b'"'))) > _MOST_PARTS:
        raise ValueError(f"a header of more than {_MOST_PARTS:,} parts")
    try:
        table = json.loads(raw.decode())
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    if not isinstance(table, dict):
        raise ValueError("its header is not a table")  # noqa: TRY004 - damage, no wrong type
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are not a table of texts")
    tensors = {name: _extent(name, entry) for name, entry in table.items()}
    _require_whole(tensors.values(), size - _LENGTH - length)
    return Header(raw, tensors, metadata)


def with_sorted_metadata(header: Header) -> Header:
    """Return the header with its metadata in alphabetical order, as long as before.

    Raises:
        ValueError: it is not written as safetensors writes it.
    """
    metadata = dict(sorted(header.metadata.items()))
    entries = {
        name: {"dtype": extent.dtype, "shape": extent.shape, "data_offsets": extent[2:]}
        for name, extent in header.tensors.items()
    }
    table = {"__metadata__": metadata, **entries}
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    raw = text.ljust(len(header.raw))
    if len(text) > len(header.raw) or sorted(raw) != sorted(header.raw):
        raise ValueError("its header is not written as safetensors writes it")
    return replace(header, raw=raw, metadata=metadata)


def _extent(name: str, entry: Any) -> Extent:
    try:
        begin, end = entry["data_offsets"]
        found = Extent(entry["dtype"], tuple(entry["shape"]), begin, end)
    except (TypeError, ValueError, KeyError):
        found = None
    if found is None or not isinstance(found.dtype, str) or not _are_counts(found[1] + found[2:]):
        raise ValueError(f"its header does not describe a tensor as {name[:80]!r}")
    return found


def _are_counts(numbers: tuple[object, ...]) -> bool:
    return all(type(number) is int and number >= 0 for number in numbers)


def _require_whole(extents: Iterable[Extent], size: int) -> None:
    """Accept tensors that make up the `size` bytes after the header, each byte once."""
    place = 0
    for extent in sorted(extents, key=lambda extent: (extent.begin, extent.end)):
        if extent.begin != place or extent.end < place:
            raise ValueError(f"its tensors leave a gap or overlap at byte {place}")
        place = extent.end
    if place != size:
        raise ValueError(f"its tensors take {place} bytes, and {size} follow the header")
