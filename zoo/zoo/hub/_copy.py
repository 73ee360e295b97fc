"""A commit on this machine, with a record of what its files were when they came.

So a copy can be compared once more when nobody can be asked.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .._digests import fault_in
from .._files import reason, write_text
from .._sealed import seal, unseal

RECORD = "zoo-copy.json"


class Copy(NamedTuple):
    """A commit that is on this machine."""

    commit: str
    folder: Path
    pulled: str = ""
    """When its name was last known to mean it, as ISO 8601 in UTC; empty where that is not."""

    @property
    def card(self) -> str | None:
        """The card made for a repository that zoo did not write; None for zoo's own.

        Raises:
            OSError: the record is gone.
            ValueError: it is damaged.
        """
        card = self._record()["card"]
        return None if card is None else json.dumps(card)

    @property
    def files(self) -> list[Path]:
        """The repository's own files; raises as `card` does."""
        return [self.folder / name for name in self._record()["files"]]

    def by_digest(self) -> dict[str, Path]:
        """Return the files by the sha256 that they had; none where the record is no more."""
        try:
            files = self._record()["files"]
        except (OSError, ValueError):
            return {}
        return {facts["sha256"]: self.folder / name for name, facts in files.items()}

    def damage(self) -> str:
        """Say in what it is not what came, to the last byte; nothing where it is."""
        try:
            for name, facts in self._record()["files"].items():
                with (self.folder / name).open("rb") as stream:
                    if fault := fault_in(stream, facts):
                        return f"{name}: {fault}"
        except OSError as error:
            return f"{Path(str(error.filename)).name}: {reason(error).lower()}"
        except ValueError as error:
            return f"{RECORD}: {error}"
        return ""

    def _record(self) -> dict[str, Any]:
        return unseal((self.folder / RECORD).read_bytes())


def write_record(
    folder: Path, files: Mapping[str, Mapping[str, Any]], card: Mapping[str, Any] | None
) -> None:
    """Write the record of a folder that will be a copy.

    Args:
        folder: where its files are.
        files: by name `sha256` and `bytes`, of what was compared.
        card: made for a repository that zoo did not write; None for zoo's own.
    """
    write_text(folder / RECORD, seal({"files": dict(files), "card": card}))
