"""Pulling a model: every byte compared with the hub's list and the manifest before it is read."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zoo_registry import ZooError

from .._weight_files import CARD
from ..errors import CorruptWeights, HubError, NotOnHub, StorageError
from ._client import Fault, Hub
from ._copy import Copy
from ._deadline import TIMEOUT, Deadline
from ._download import Download
from ._explain import explain
from ._manifest import WEIGHTS
from ._place import Place, host, is_offline, parse_place
from ._progress import Progress, Quiet, screen_progress
from ._remote import Listing
from ._store import copy_of, folder_of, incoming, keep, remember

_ASK_SECONDS = 15.0
"""Seconds that the hub has to say what a name means, where a copy is here already."""
_ANSWERS = ("bad_token", "gated", "no_repository", "no_revision", "no_right")
"""Faults by which a hub says that there is nothing there for this user: a copy is no way round."""


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
    def name(self) -> str:
        """`USER/REPO`, and a branch or a tag that was asked for; a commit is told besides."""
        place = Place(self.repo, self.revision)
        return self.repo if place.is_pinned else str(place)

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
        raise _beside_copy(_explained(fault, place, timeout), copy_of(place), place) from fault
    except (CorruptWeights, NotOnHub) as error:
        raise _beside_copy(error, copy_of(place), place) from error


def use_model(source: str) -> Pulled:
    """Return the model that `hf:USER/REPO[@REVISION]` means, downloaded where it is not here.

    A commit that is here is used without asking anybody. What a branch means is asked; where nobody
    answers, the last good copy is used, and a warning says so. What is here is compared with what
    came, to the last byte, before it is used.

    Raises:
        ZooError: as `pull_model`, where there is no sound copy to use.
    """
    place = parse_place(source)
    copy = copy_of(place)
    if copy is None or place.is_pinned:
        if copy is not None and not copy.damage():
            return _pulled(place, copy, changed=False)
        return pull_model(place, Quiet() if is_offline() else screen_progress())
    try:
        return _pull(place, screen_progress(), Deadline(_ASK_SECONDS), whole=TIMEOUT)
    except Fault as fault:
        if fault.kind in _ANSWERS:
            raise _beside_copy(_explained(fault, place, 0.0), copy, place) from fault
        error = _explained(fault, place, 0.0)
        if fault.kind == "late":
            error = HubError(f"{host()} did not bring {place} in time")
    except ZooError as found:  # the update is none that can be used here, or kept
        error = found
    if copy.damage():
        raise _beside_copy(error, copy, place)
    if not is_offline():
        warnings.warn(
            f"{str(error).rstrip('.')}. Meanwhile the copy from {copy.pulled[:16]} is used, commit "
            f"{copy.commit[:12]}",
            stacklevel=2,
        )
    return _pulled(place, copy, changed=False)


def _pull(place: Place, progress: Progress, deadline: Deadline, *, whole: float = 0.0) -> Pulled:
    """Ask what a place means, and fetch it unless it is here, the same to the last byte.

    Args:
        place: what to pull.
        progress: told how far it is.
        deadline: of all of it.
        whole: seconds that the download may take, where that is more than the asking may.
    """
    with Hub(deadline, progress) as hub:
        listing = Listing.read(hub.ask("look", repo=place.repo, revision=place.revision))
        copy = Copy(listing.commit, folder_of(place.repo, listing.commit))
        changed = not _is_listed(copy, listing)
        if changed:
            deadline.grant(whole)
            try:
                _fetch(hub, place, listing)
            finally:
                progress.close()
    known = copy_of(place)
    try:
        remember(place, listing.commit, datetime.now(UTC).isoformat(timespec="seconds"))
    except StorageError:
        if known is None or known.commit != listing.commit:  # else only the time is not noted
            raise
    return _pulled(place, copy, changed=changed)


def _fetch(hub: Hub, place: Place, listing: Listing) -> None:
    """Download what can be used of a commit, and put it in its place."""
    with incoming() as folder:
        load = Download(hub, place, listing, folder)
        load.all()
        keep(load.good, place.repo, listing.commit)


def _is_listed(copy: Copy, listing: Listing) -> bool:
    """Compare a copy with the hub's list."""
    try:
        files = copy.files
    except (OSError, ValueError):
        return False
    listed = [listing.files.get(file.name) for file in files]
    return all(
        remote is not None and not remote.fault_in(file)
        for remote, file in zip(listed, files, strict=True)
    )


def _pulled(place: Place, copy: Copy, *, changed: bool) -> Pulled:
    card = copy.card
    return Pulled(
        repo=place.repo,
        revision=place.revision,
        commit=copy.commit,
        path=copy.folder,
        changed=changed,
        metadata=None if card is None else {CARD: card},
    )


def _explained(fault: Fault, place: Place, seconds: float) -> ZooError:
    """Return the error for a fault."""
    if fault.kind == "offline" and copy_of(place) is None:
        return HubError(
            f"{place} is not on this machine, and {fault.text} is set: nothing is asked of "
            f"{host()}. Unset it, and `zoo pull {place}`"
        )
    return explain(fault, place, "pull", seconds)


def _beside_copy(error: ZooError, copy: Copy | None, place: Place) -> ZooError:
    """Return an error that says, too, what is here all the same."""
    if copy is None:
        return error
    if damage := copy.damage():
        more = f"The copy that is here is damaged ({damage}); `zoo pull {place}` mends it"
    else:
        when = f" of {copy.pulled[:16]}" if copy.pulled else ""
        more = f"The copy{when} is still here: hf:{place.repo}@{copy.commit}"
    return type(error)(f"{str(error).rstrip('.')}. {more}")
