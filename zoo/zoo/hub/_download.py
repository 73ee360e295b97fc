"""The files of a commit on their way here: nothing is let in before it was compared."""

import hashlib
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from .._registry import registry
from ..errors import CorruptWeights, NotOnHub, StorageError
from ..home import home
from ._client import Hub
from ._foreign import card_for
from ._manifest import CONFIG, MANIFEST, PULLED, README, WEIGHTS, read_manifest
from ._place import Place
from ._progress import in_words
from ._remote import Listing, require_listed
from ._store import sync_file, write_card_file

_LARGEST_TEXT = 50_000_000
"""Bytes of any file but the weights."""
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack", ".onnx")


class Download:
    """The files of a commit, on their way."""

    def __init__(self, hub: Hub, place: Place, listing: Listing, raw: Path, good: Path) -> None:
        self._hub, self._place, self._listing = hub, place, listing
        self._raw, self._good = raw, good

    def ours(self) -> bool:
        """Fetch what a manifest of zoo's lists; False where it is somebody else's file."""
        data = self._fetch(MANIFEST)
        if not data.read_bytes().startswith(b'{\n  "sha256": "'):
            data.unlink()
            return False
        listed = read_manifest(data.read_bytes())
        wanted = [name for name in PULLED if name in listed]
        if WEIGHTS not in listed:
            raise CorruptWeights(f"{MANIFEST} of {self._place} lists no {WEIGHTS}")
        self._require_agreed(listed, wanted)
        self._begin(wanted)
        for name in wanted:
            self._fetch(name)
            self._require_stored(name, listed[name]["sha256"])
        return True

    def foreign(self) -> None:
        """Fetch the weights and the configuration that others have written."""
        files = self._listing.files
        if WEIGHTS not in files:
            others = sorted(name for name in files if name.endswith(_PICKLES))
            there_are = f", only {others[0]}, which is never read" if others else ""
            raise NotOnHub(
                f"{self._place} has no {WEIGHTS}{there_are}. Ask its owner for safetensors"
            )
        if CONFIG not in files:
            raise NotOnHub(
                f"{self._place} has neither {MANIFEST} nor {CONFIG}: what its weights are for is "
                "not said"
            )
        card = card_for(self._fetch(CONFIG).read_bytes(), self._place, registry())
        self._begin([WEIGHTS])
        self._fetch(WEIGHTS)
        write_card_file(self._good, card)

    def _begin(self, names: list[str]) -> None:
        total = sum(self._listing.files[name].size for name in names)
        free = shutil.disk_usage(home()).free
        if total > free:
            raise StorageError(
                f"{self._place} takes {in_words(total)}, and {in_words(free)} are free at "
                f"{home()}. Free some space, or set ZOO_HOME to a folder on another disk"
            )
        self._hub.progress.begin(f"pulling {self._place}", total)

    def _fetch(self, name: str) -> Path:
        """Download a file, and let it in once it is what is listed."""
        remote = self._listing.files[name]
        if name != WEIGHTS and remote.size > _LARGEST_TEXT:
            raise CorruptWeights(f"{name} of {self._place} has {in_words(remote.size)}: too many")
        found = self._hub.ask(
            "fetch",
            poll=self._arrived,
            repo=self._place.repo,
            revision=self._listing.commit,
            name=name,
            folder=str(self._raw),
        )
        # Reading a large file for its digest and getting it onto the disk take about as long.
        syncing = threading.Thread(target=sync_file, args=[Path(found)], daemon=True)
        syncing.start()
        require_listed(remote, Path(found))
        syncing.join()
        return Path(found).rename(self._good / name)

    def _arrived(self) -> int:
        """Return how many bytes have come."""
        total = 0
        for folder in (self._raw, self._good):
            for file in folder.rglob("*"):
                try:
                    total += file.stat().st_size if file.is_file() else 0
                except OSError:  # it was put in its place just now
                    continue
        return total

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
        # The card may be written on after a push. What has its sha256 in the hub's list was
        # compared with that, and that with the manifest.
        if name == README or self._listing.files[name].sha256:
            return
        if hashlib.sha256((self._good / name).read_bytes()).hexdigest() != sha256:
            self._refuse(name, "its digest is another")

    def _refuse(self, name: str, fault: str) -> None:
        raise CorruptWeights(
            f"{name} of {self._place} is not the one that its {MANIFEST} lists: {fault}. Nothing "
            "of it was used; ask its owner to push again"
        )
