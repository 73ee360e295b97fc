"""Weight files seen from outside: what can be said of them without importing torch."""

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zoo_registry import nearest

from ._files import reason
from ._weight_digest import verify
from ._weight_header import Header, read_header
from .errors import CorruptWeights, UsageError
from .home import runs_dir

SAFETENSORS = ".safetensors"
TORCH = (".pth", ".pt")
HUB = "hf:"
"""What a model's name on a hub begins with."""
_GRAPHS = {
    ".onnx": "an ONNX graph, which only zoo predict takes",
    ".pt2": "a graph of torch.export, which only torch.export.load takes",
}
"""What files are, by suffix, that hold what a model computes."""
CARD = "zoo"
"""The key of a safetensors header's metadata that holds the card, as JSON."""


@dataclass(frozen=True)
class FileFacts:
    """What a safetensors file holds."""

    path: Path
    size: int
    """In bytes."""
    header: Header
    verified: bool
    """Whether it carries a digest, as zoo's own files do; it holds then."""

    @property
    def elements(self) -> int:
        """How many numbers all tensors hold together."""
        return sum(extent.elements for extent in self.header.tensors.values())

    @property
    def dtypes(self) -> dict[str, int]:
        """How many tensors there are of each dtype, the commonest first."""
        counts = Counter(extent.dtype for extent in self.header.tensors.values())
        return dict(counts.most_common())


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return what a safetensors file says of itself. No tensor is read, torch not imported.

    Raises:
        UsageError: no such file, or not a `.safetensors` one.
        CorruptWeights: its header is damaged.
    """
    return dict(header_of(path).metadata)


def header_of(path: str | os.PathLike[str]) -> Header:
    """Return a safetensors file's header; raises as `read_metadata` does."""
    file = _describing_itself(path)
    try:
        with file.open("rb", buffering=0) as stream:
            return read_header(stream, file.stat().st_size)
    except ValueError as error:
        raise corrupt(file, error) from error


def inspect_file(path: str | os.PathLike[str]) -> FileFacts:
    """Look a safetensors file over, to the last byte where it carries a digest.

    Torch is not imported.

    Raises:
        UsageError: no such file, or not a `.safetensors` one.
        CorruptWeights: it is damaged.
    """
    file = _describing_itself(path)
    try:
        with file.open("rb", buffering=0) as stream:
            size = file.stat().st_size
            header = read_header(stream, size)
            return FileFacts(file, size, header, verify(stream, header))
    except ValueError as error:
        raise corrupt(file, error) from error


def corrupt(path: Path, error: Exception) -> CorruptWeights:
    """Return the error that says what is wrong with a safetensors file, and what to do."""
    return CorruptWeights(
        f"{path} is not a sound safetensors file: {error}. Copy or download it again."
    )


def graph_refusal(path: Path) -> str:
    """Say that a file holds a graph, not weights, by its name; empty where it is another."""
    if path.suffix not in _GRAPHS:
        return ""
    return (
        f"{path} is {_GRAPHS[path.suffix]}; give the run or the .safetensors file that it was "
        "made of"
    )


def weight_file(path: str | os.PathLike[str], *, any_suffix: bool = False) -> Path:
    """Return `path` if it is a file of a known format that can be opened.

    Args:
        path: the file.
        any_suffix: whether its name may end in anything.

    Raises:
        UsageError: it is not; the text names the files that may have been meant.
    """
    file = Path(path)
    if str(path).startswith(HUB):
        raise UsageError(
            f"{path} is on a hub, and no file; in Python "
            f"zoo.pull({str(path).removeprefix(HUB)!r}).weights is its file."
        )
    if os.path.isdir(file):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise UsageError(f"{file} is a folder, not a file{_listed('; in it', _weights_in(file))}.")
    if not any_suffix and file.suffix not in (SAFETENSORS, *TORCH):
        raise UsageError(
            f"{file}: the name of a weight file ends in one of {', '.join((SAFETENSORS, *TORCH))}. "
            f"`zoo convert {file.name} -o {file.stem}{SAFETENSORS}` makes one of any program's."
        )
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for a writer
            raise UsageError(f"{file} is a pipe or a device; write what comes out into a file.")
        file.open("rb").close()
    except FileNotFoundError as error:
        if _is_run(file):
            raise UsageError(
                f"{file} is a run, not a file: `zoo export {file} --format pth` writes its weights "
                "into one, as does --format safetensors."
            ) from error
        close = nearest(file.name, (other.name for other in _weights_in(file.parent)))
        raise UsageError(f"there is no file {file}{_listed('; similar', close)}.") from error
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}.") from error
    except ValueError as error:  # a name with a NUL in it
        raise UsageError(f"can't read {str(file)!r}: {error}.") from error
    return file


def _is_run(file: Path) -> bool:
    return file.name == str(file) and (runs_dir() / file).is_dir()


def check_suffix(path: Path) -> None:
    """Accept the names of weight files only.

    Raises:
        UsageError: the name does not end in a format's suffix.
    """
    if path.suffix not in (SAFETENSORS, *TORCH):
        known = ", ".join((SAFETENSORS, *TORCH))
        raise UsageError(f"{path}: the name of a weight file ends in one of {known}.")


def _describing_itself(path: str | os.PathLike[str]) -> Path:
    file = weight_file(path)
    if file.suffix != SAFETENSORS:
        raise UsageError(
            f"{file} has no metadata; only {SAFETENSORS} files do. "
            f"`zoo convert {file.name} -o {file.stem}{SAFETENSORS}` makes one."
        )
    return file


def _weights_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in (SAFETENSORS, *TORCH))


def _listed(introduction: str, names: "list[Path] | tuple[str, ...]") -> str:
    return f"{introduction}: {', '.join(map(str, names[:3]))}" if names else ""
