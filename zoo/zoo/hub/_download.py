"""The files of a commit on their way here: nothing is let in before it was compared."""

import hashlib
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._registry import registry
from ..errors import CorruptWeights, NotOnHub, StorageError
from ..home import home
from ._client import TRANSPORT, Fault, Hub
from ._copy import write_record
from ._foreign import by_hand, card_for, why_no_weights
from ._manifest import CONFIG, MANIFEST, PULLED, README, WEIGHTS, read_manifest
from ._place import Place
from ._progress import in_words
from ._remote import Listing, RemoteFile, require_listed
from ._store import copy_of, sync_file

_LARGEST = {MANIFEST: 1_000_000, CONFIG: 5_000_000}
_LARGEST_TEXT = 50_000_000
"""Bytes of any other file but the weights."""


class Download:
    """The files of a commit, on their way."""

    def __init__(self, hub: Hub, place: Place, listing: Listing, folder: Path) -> None:
        """Begin in an empty folder; what was let in will be in `good` there."""
        self._hub, self._place, self._listing = hub, place, listing
        self._raw, self.good = folder / "raw", folder / "good"
        self._raw.mkdir()
        self.good.mkdir()
        before = copy_of(place)
        self._here = {} if before is None else before.by_digest()
        self._facts: dict[str, dict[str, Any]] = {}

    def all(self) -> None:
        """Fetch what can be used of the commit, and record what it is."""
        card = None if MANIFEST in self._listing.files and self._ours() else self._foreign()
        write_record(self.good, self._facts, card)

    def _ours(self) -> bool:
        """Fetch what a manifest of zoo's lists; False where it is somebody else's file."""
        data = self._fetch(MANIFEST)
        if not data.read_bytes().startswith(b'{\n  "sha256": "'):
            data.unlink()
            del self._facts[MANIFEST]
            return False
        listed = read_manifest(data.read_bytes())
        there = self._listing.files
        wanted = [name for name in PULLED if name in listed and (name != README or name in there)]
        if WEIGHTS not in listed:
            raise CorruptWeights(f"{MANIFEST} of {self._place} lists no {WEIGHTS}")
        self._require_agreed(listed, wanted)
        self._begin(wanted)
        for name in wanted:
            self._fetch(name)
            self._require_stored(name, listed[name]["sha256"])
        return True

    def _foreign(self) -> dict[str, Any]:
        """Fetch the weights and the configuration that others have written; return a card."""
        files = self._listing.files
        if WEIGHTS not in files:
            raise NotOnHub(f"{self._place} {why_no_weights(files)}")
        if CONFIG not in files:
            raise NotOnHub(
                f"{self._place} has neither {MANIFEST} nor {CONFIG}: what its weights are for is "
                f"not said. {by_hand(self._place)}"
            )
        card = card_for(self._fetch(CONFIG).read_bytes(), self._place, registry())
        self._begin([WEIGHTS])
        self._fetch(WEIGHTS)
        return card

    def _begin(self, names: list[str]) -> None:
        files = [self._listing.files[name] for name in names]
        needed = sum(file.size for file in files if file.sha256 not in self._here)
        free = shutil.disk_usage(home()).free
        if needed > free:
            raise StorageError(
                f"{self._place} takes {in_words(needed)}, and {in_words(free)} are free at "
                f"{home()}. Free some space, or set ZOO_HOME to a folder on another disk."
            )
        total = sum(file.size for file in files)
        self._hub.progress.begin(f"pulling {self._place}", total)

    def _fetch(self, name: str) -> Path:
        """Download a file, and let it in once it is what is listed."""
        remote = self._listing.files[name]
        if name != WEIGHTS and remote.size > _LARGEST.get(name, _LARGEST_TEXT):
            raise CorruptWeights(f"{name} of {self._place} has {in_words(remote.size)}: too many")
        found = self._raw / name
        if not self._link(remote, found):
            self._bring(remote, found)
        self._facts[name] = {"sha256": remote.sha256 or _sha256(found), "bytes": remote.size}
        return found.rename(self.good / name)

    def _link(self, remote: RemoteFile, file: Path) -> bool:
        """Take a file of the copy from before, where it is the same: a new card is no new model."""
        try:
            file.hardlink_to(self._here[str(remote.sha256)])
        except (KeyError, OSError):
            return False
        if remote.fault_in(file):
            file.unlink()
            return False
        return True

    def _bring(self, remote: RemoteFile, file: Path) -> None:
        """Have a file streamed here; while it grows, a connection that breaks is no end."""
        while (had := _size(file)) < remote.size or not file.exists():
            try:
                self._hub.ask(
                    "stream",
                    poll=self._arrived,
                    repo=self._place.repo,
                    revision=self._listing.commit,
                    name=remote.path,
                    size=remote.size,
                    folder=str(self._raw),
                )
            except Fault as fault:
                if fault.kind not in TRANSPORT or _size(file) <= had:
                    raise
        # Reading a large file for its digest and getting it onto the disk take about as long.
        syncing = threading.Thread(target=sync_file, args=[file], daemon=True)
        syncing.start()
        require_listed(remote, file)
        syncing.join()

    def _arrived(self) -> int:
        """Return how many bytes have come."""
        return sum(_size(file) for folder in (self._raw, self.good) for file in folder.iterdir())

    def _require_agreed(self, listed: Mapping[str, Mapping[str, object]], names: list[str]) -> None:
        """Compare the manifest with the hub's list, before anything large is fetched."""
        for name in names:
            remote = self._listing.files.get(name)
            if remote is None:
                self._refuse(name, "it is listed there, and not on the hub")
            elif name != README and remote.size != listed[name]["bytes"]:
                self._refuse(name, f"{listed[name]['bytes']} bytes are listed, {remote.size} there")
            elif remote.sha256 and name != README and remote.sha256 != listed[name]["sha256"]:
                self._refuse(name, "its digest is another")

    def _require_stored(self, name: str, sha256: str) -> None:
        # The card may be written on after a push.
        if name != README and self._facts[name]["sha256"] != sha256:
            self._refuse(name, "its digest is another")

    def _refuse(self, name: str, fault: str) -> None:
        raise CorruptWeights(
            f"{name} of {self._place} is not the one that its {MANIFEST} lists: {fault}. Nothing "
            "of it was used; ask its owner to push again"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _size(file: Path) -> int:
    """Return how many bytes a file has; 0 where it is not there, or not any more."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
