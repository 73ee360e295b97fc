"""Aliases as they lie on disk: `ZOO_HOME/aliases/NAME.json`, each with all it ever meant."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo_registry import nearest

from .._files import reason
from .._sealed import unseal
from ..errors import CorruptWeights, StorageError, UnknownName
from ..home import home, runs_dir
from ._run import Run

SIGN = "@"
"""What an alias begins with where a run could stand as well."""


@dataclass(frozen=True)
class Change:
    """What an alias was made to mean, and when."""

    time: str
    """ISO 8601 in UTC."""
    run: str | None
    """The run's name; None where the alias was removed."""
    weights: str | None
    """The sha256 of the run's `model.safetensors` then."""


@dataclass(frozen=True)
class Alias:
    """A name for a run that can be moved on to another."""

    name: str
    history: tuple[Change, ...] = field(repr=False)
    """All changes, the oldest first; the last one holds."""
    fault: str = field(default="", repr=False)
    """What is wrong with a damaged one, of which nothing else is known."""

    @property
    def run(self) -> str | None:
        """The name of the run it means; None where it was removed."""
        return self.history[-1].run if self.history else None

    @property
    def weights(self) -> str | None:
        """The sha256 of the weights it means."""
        return self.history[-1].weights if self.history else None


def aliases_dir() -> Path:
    """Return the folder of the aliases. It may not exist yet."""
    return home() / "aliases"


def alias_file(name: str) -> Path:
    """Return where the alias of that name is kept, or would be."""
    return aliases_dir() / f"{name}.json"


def list_aliases() -> list[Alias]:
    """Return all aliases by name, removed and damaged ones among them.

    Raises:
        StorageError: the folder can't be read.
    """
    return [alias for file in _files() if (alias := read_alias(file)) is not None]


def find_alias(name: str) -> Alias:
    """Return the alias of that name, with or without its `@`.

    Raises:
        UnknownName: there is none, or it was removed; the text gives the nearest names.
        CorruptWeights: its file is not what was written.
    """
    found = any_alias(name)
    if found.fault:
        raise damaged(found)
    if found.run is None:
        raise UnknownName(
            f"the alias {found.name} was removed on {found.history[-1].time[:16]}; "
            f"`zoo runs aliases {found.name}` shows what it meant before."
        )
    return found


def any_alias(name: str) -> Alias:
    """Return the alias of that name, also one that was removed or is damaged.

    Raises:
        UnknownName: there never was one; the text gives the nearest names.
    """
    name = name.removeprefix(SIGN)
    for alias in list_aliases():
        if alias.name.casefold() == name.casefold():
            return alias
    raise _unknown(name)


def aliases_of(run: Run) -> list[str]:
    """Return the names of the aliases that mean a run; none where it is not of this home."""
    if not is_at_home(run):
        return []
    return [alias.name for alias in list_aliases() if alias.run == run.name]


def is_at_home(run: Run) -> bool:
    """Say whether a run is one of this home's, for which alone there are aliases."""
    return run.path.parent.resolve() == runs_dir().resolve()


def damaged(alias: Alias) -> CorruptWeights:
    """Return the error for an alias whose file is not what was written."""
    return CorruptWeights(
        f"the alias {alias.name} is damaged: {alias_file(alias.name)}: {alias.fault}. Put back a "
        "copy of the file, or take it away and tag again; its history is lost then."
    )


def read_alias(file: Path) -> Alias | None:
    """Read the alias in a file, which may be a damaged one; None where there is no file."""
    try:
        value = unseal(file.read_bytes())
        name = _required_name(value, file)
        return Alias(name, tuple(Change(**change) for change in value["history"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        return Alias(file.stem, (), fault=reason(error))
    except (ValueError, TypeError, KeyError) as error:
        return Alias(file.stem, (), fault=str(error))


def _required_name(value: dict[str, Any], file: Path) -> str:
    """Return the alias's name, which its file must have: a copy under another name is no alias."""
    name: str = value["alias"]
    if name.casefold() != file.stem.casefold():  # some systems keep one file for all cases
        raise ValueError(f"it is of the alias {name!r}")
    return name


def _files() -> Iterator[Path]:
    folder = aliases_dir()
    try:
        yield from sorted(file for file in folder.glob("*.json") if file.name[0] != ".")
    except OSError as error:
        raise StorageError(f"can't read {folder}: {reason(error)}. Check ZOO_HOME.") from error


def _unknown(name: str) -> UnknownName:
    names = [alias.name for alias in list_aliases() if alias.run is not None]
    close = nearest(name, names)
    hint = f"; closest: {', '.join(close)}" if close else ""
    return UnknownName(f"no alias {name!r}{hint}. `zoo runs aliases` shows all {len(names)}.")
