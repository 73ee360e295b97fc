"""Writing the package: all of it or nothing, from the files in `template/`."""

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo_registry import UsageError

from .._files import reason, storage_error, temporary_name, write_text
from ._names import PackageName, class_name, variable

_TEMPLATE = Path(__file__).with_name("template")
_SUFFIX = ".in"
"""Behind the name of every file there, so that no tool takes it for what it will be."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a new package is told about itself."""

    name: PackageName
    model: str
    dataset: str
    optimizer: str
    author: str

    def words(self) -> Mapping[str, str]:
        """Return what is put in the place of each `{{word}}`."""
        return {
            "distribution": self.name.distribution,
            "package": self.name.package,
            "plugin": self.name.plugin,
            "model": self.model,
            "Model": class_name(self.model),
            "dataset": self.dataset,
            "dataset_function": variable(self.dataset),
            "optimizer": self.optimizer,
            "Optimizer": class_name(self.optimizer),
            "author": self.author,
            "year": str(dt.datetime.now(tz=dt.UTC).year),
        }


def write_package(answers: Answers, folder: Path) -> list[str]:
    """Write the package into a folder that is made for it.

    Args:
        answers: what the package is told about itself.
        folder: must not exist; its parent must.

    Returns:
        The files, below the folder.

    Raises:
        UsageError: there is something at `folder` already, or no folder to make it in.
        StorageError: it can't be written; there is nothing at `folder` then.
    """
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists already; choose another name, or --output DIR")
    if not folder.parent.is_dir():
        raise UsageError(f"{folder.parent} is no folder; create it first")
    texts = dict(_texts(answers.words()))
    temporary = folder.with_name(temporary_name(folder.name[:40]))
    try:
        for name, text in texts.items():
            file = temporary / name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, text)
        temporary.rename(folder)
    except OSError as error:
        if folder.exists():  # somebody else's, made meanwhile
            raise UsageError(f"{folder} exists already ({reason(error)})") from error
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sorted(texts)


def _texts(words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file."""
    for file in sorted(_TEMPLATE.rglob(f"*{_SUFFIX}")):
        text = file.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace("{{" + word + "}}", value)
        name = file.relative_to(_TEMPLATE).as_posix().removesuffix(_SUFFIX)
        yield name.replace("PACKAGE", words["package"]).replace("dot_", "."), text
