"""Pulling a model: every byte compared with the hub's list and the manifest before it is read."""

import shutil
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zoo_registry import ZooError

from .._registry import registry
from .._weight_files import CARD
from ..errors import CorruptWeights, HubError, NotOnHub, StorageError
from ..home import home
from ._client import TRANSPORT, Fault, Hub
from ._deadline import TIMEOUT, Deadline
from ._explain import explain
from ._foreign import card_for
from ._manifest import CONFIG, MANIFEST, PULLED, README, WEIGHTS, read_manifest
from ._place import Place, host, is_offline, parse_place
from ._progress import Progress, Quiet, in_words
from ._remote import Listing, require_listed
from ._store import CARD as CARD_FILE
from ._store import (
    Copy,
    copy_of,
    folder_of,
    incoming,
    keep,
    remember,
    sync_file,
    write_card_file,
)

_ASK_SECONDS = 15.0
"""Seconds that the hub has to say what a name means, where a copy is here already."""
_LARGEST_TEXT = 50_000_000
"""Bytes of any file but the weights."""
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack", ".onnx")


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """A commit that is on this machine."""

    repo: str
    revision: str
    commit: str
    path: Path
    """Its folder."""
    changed: bool
    """Whether it was downloaded now."""
    metadata: Mapping[str, str] | None
    """What is known of weights that say nothing of themselves; None where they do."""

    @property
    def weights(self) -> Path:
        """The weights file."""
        return self.path / WEIGHTS


def pull_model(place: Place, progress: Progress, timeout: float = TIMEOUT) -> Pulled:
    """Bring a repository here as it is on the hub now.

    Raises:
        NotOnHub: there is no such repository or revision, or nothing in it that zoo can use.
        HubError: the hub can't be reached, or refuses.
        CorruptWeights: what arrived is not what is listed; nothing of it is kept.
        StorageError: there is no room for it.
    """
    try:
        return _pull(place, progress, Deadline(timeout))
    except Fault as fault:
        raise _explained(fault, place, timeout) from fault


def use_model(source: str) -> Pulled:
    """Return the model that `hf:USER/REPO[@REVISION]` means, downloaded where it is not here.

    A commit that is here is used without asking anybody. What a branch means is asked; where nobody
    answers, the last good copy is used, and a warning says so.

    Raises:
        ZooError: as `pull_model`, where there is no copy to use.
    """
    place = parse_place(source)
    copy = copy_of(place)
    if copy is not None and place.is_pinned:
        return _pulled(place, copy.commit, copy.folder, changed=False)
    if copy is None:
        return pull_model(place, Quiet() if is_offline() else Progress())
    deadline = Deadline(_ASK_SECONDS)
    try:
        return _pull(place, Progress(), deadline, whole=TIMEOUT, trusting=True)
    except Fault as fault:
        error: ZooError = _explained(fault, place, deadline.seconds)
        if fault.kind not in (*TRANSPORT, "late", "offline", "disk", "no_file"):
            raise error from fault
    except (CorruptWeights, StorageError) as found:
        error = found
    if not is_offline():
        warnings.warn(
            f"{str(error).rstrip('.')}. Meanwhile the copy from {copy.pulled[:16]} is used, commit "
            f"{copy.commit[:12]}",
            stacklevel=2,
        )
    return _pulled(place, copy.commit, copy.folder, changed=False)


def _pull(
    place: Place,
    progress: Progress,
    deadline: Deadline,
    *,
    whole: float = 0.0,
    trusting: bool = False,
) -> Pulled:
    """Ask what a place means, and fetch it unless it is here.

    Args:
        place: what to pull.
        progress: told how far it is.
        deadline: of all of it.
        whole: seconds that the download may take, where that is more than the asking may.
        trusting: take what is here as it is; else every byte is compared once more.
    """
    with Hub(deadline, progress) as hub:
        found = hub.ask("look", repo=place.repo, revision=place.revision)
        listing = Listing.read(found)
        folder = folder_of(place.repo, listing.commit)
        changed = not (folder / WEIGHTS).is_file() or not (trusting or _is_whole(folder, listing))
        if changed:
            deadline.grant(whole)
            try:
                folder = _fetch(hub, place, listing)
            finally:
                progress.close()
    remember(place, listing.commit, datetime.now(UTC).isoformat(timespec="seconds"))
    return _pulled(place, listing.commit, folder, changed=changed)


def _fetch(hub: Hub, place: Place, listing: Listing) -> Path:
    """Download what can be used of a commit, and put it in its place."""
    with incoming() as folder:
        good = folder / "good"
        good.mkdir()
        load = _Download(hub, place, listing, folder / "raw", good)
        if not (MANIFEST in listing.files and load.ours()):
            load.foreign()
        return keep(good, place.repo, listing.commit)


class _Download:
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
        import hashlib

        if hashlib.sha256((self._good / name).read_bytes()).hexdigest() != sha256:
            self._refuse(name, "its digest is another")

    def _refuse(self, name: str, fault: str) -> None:
        raise CorruptWeights(
            f"{name} of {self._place} is not the one that its {MANIFEST} lists: {fault}. Nothing "
            "of it was used; ask its owner to push again"
        )


def _is_whole(folder: Path, listing: Listing) -> bool:
    """Compare a copy with the hub's list."""
    names = [file.name for file in folder.iterdir() if file.name != CARD_FILE]
    return all(
        name in listing.files and not listing.files[name].fault_in(folder / name) for name in names
    )


def _pulled(place: Place, commit: str, folder: Path, *, changed: bool) -> Pulled:
    card = Copy(commit, folder, "").card
    return Pulled(
        repo=place.repo,
        revision=place.revision,
        commit=commit,
        path=folder,
        changed=changed,
        metadata=None if card is None else {CARD: card},
    )


def _explained(fault: Fault, place: Place, seconds: float) -> ZooError:
    """Return the error for a fault, and what is here all the same."""
    if fault.kind == "offline" and copy_of(place) is None:
        return HubError(
            f"{place} is not on this machine, and {fault.text} is set: nothing is asked of "
            f"{host()}. Unset it, and `zoo pull {place}`"
        )
    error = explain(fault, place, "pull", seconds)
    copy = copy_of(place)
    if copy is None:
        return error
    return type(error)(
        f"{error} The copy of {copy.pulled[:16]} is still here: hf:{place.repo}@{copy.commit}"
    )
