"""What became of each tensor when a file was loaded into a model."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mismatch:
    """A tensor that is in the file and in the model, but not alike."""

    name: str
    file_shape: tuple[int, ...]
    file_dtype: str
    model_shape: tuple[int, ...]
    model_dtype: str
    reason: str = ""
    """Where shapes and dtypes do not say it all."""

    def __str__(self) -> str:
        file = f"{self.file_shape} {self.file_dtype}"
        model = f"{self.model_shape} {self.model_dtype}"
        return f"{self.name}: {self.reason or f'{file} in the file, {model} in the model'}"


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What was loaded and what was not; its text says so in a few lines."""

    path: Path
    loaded: tuple[str, ...]
    """The model's tensors that got the file's values, in the model's order."""
    missing: tuple[str, ...]
    """The model's tensors that the file does not have."""
    unexpected: tuple[str, ...]
    """The file's tensors that the model does not have."""
    mismatched: tuple[Mismatch, ...]
    """In both, but of another shape, or of a dtype whose values the model's can't all hold."""
    skipped: tuple[str, ...]
    """What the file holds that is no plain tensor: an epoch's number, a sparse tensor."""
    reset: tuple[str, ...] = ()
    """The tensors of a head for another number of classes, which keeps the model's own values."""
    parameters: int
    """Elements of the model's parameters, a tied one counted once."""
    loaded_parameters: int
    """How many of them were loaded."""

    @property
    def fraction(self) -> float:
        """The share of the model's parameters that were loaded, 0 to 1."""
        return self.loaded_parameters / self.parameters if self.parameters else 1.0

    @property
    def complete(self) -> bool:
        """Whether file and model agree in every tensor."""
        return not (self.reset or self.differences())

    def __str__(self) -> str:
        total = sum(map(len, (self.loaded, self.missing, self.mismatched, self.reset)))
        head = f"{self.path}: loaded {len(self.loaded)} of {total} tensors"
        lines = [f"{head}, {self.fraction:.1%} of the parameters", *self.differences()]
        if self.reset:
            lines.append(f"{len(self.reset)} of the head kept as the model has them: ")
            lines[-1] += some(self.reset)
        return "\n".join(lines)

    def differences(self) -> list[str]:
        """Return a line for each way in which file and model differ, but for a reset head."""
        ways = {
            "missing from the file": self.missing,
            "not in the model": self.unexpected,
            "different": self.mismatched,
            "no plain tensors": self.skipped,
        }
        return [f"{len(names)} {way}: {some(names)}" for way, names in ways.items() if names]


def some(names: Iterable[object], most: int = 3) -> str:
    """Write out the first names, and how many more there are."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
