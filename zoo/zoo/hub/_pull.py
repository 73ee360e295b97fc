"""Pulling a model: every byte compared with the hub's list and the manifest before it is read."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zoo_registry import ZooError

from .._weight_files import CARD
from ..errors import CorruptWeights, HubError, StorageError
from ._client import TRANSPORT, Fault, Hub
from ._deadline import TIMEOUT, Deadline
from ._download import Download
from ._explain import explain
from ._manifest import MANIFEST, WEIGHTS
from ._place import Place, host, is_offline, parse_place
from ._progress import Progress, Quiet
from ._remote import Listing
from ._store import CARD as CARD_FILE
from ._store import Copy, copy_of, folder_of, incoming, keep, remember

_ASK_SECONDS = 15.0
"""Seconds that the hub has to say what a name means, where a copy is here already."""


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
        load = Download(hub, place, listing, folder / "raw", good)
        if not (MANIFEST in listing.files and load.ours()):
            load.foreign()
        return keep(good, place.repo, listing.commit)


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
