"""Sending a commit until it is known what has become of it: made, not made, or nobody can say."""

import re
import time
from pathlib import Path

from ..errors import CorruptWeights, HubError, PushUnknown
from ._client import Fault, Hub
from ._compose import compose_card
from ._explain import explain
from ._kept import Kept, kept_of
from ._manifest import KNOWN, MANIFEST, README, read_manifest
from ._order import Order, Pushed, notes_of
from ._place import DEFAULT, host, is_commit
from ._remote import Listing, require_listed
from ._stage import Stage
from ._subject import Subject

_AGAIN = re.compile(r"(?:\.|, then) [Tt]ry again")
"""Begins what a line advises where nothing was sent."""
_WAITS = (1.0, 3.0)
"""Seconds before a commit is sent again that is not there; on one parent only one can succeed."""
_GRACE = 15.0
"""Seconds to find out what has come of a commit, when the time is over."""
_LOOKED_AT = 20
"""Commits that others may have made meanwhile, among which ours is looked for."""
_LARGEST_READ = 1_000_000
"""Bytes of a card, or a manifest, that is there."""


class Rounds:
    """Rounds of sending a commit on the head that was seen, and looking what came of it."""

    def __init__(self, order: Order, subject: Subject, stage: Stage, hub: Hub) -> None:
        self._order, self._subject, self._stage, self._hub = order, subject, stage, hub
        self._repo, self._branch = order.place
        self.doubt: Fault | None = None
        """What came instead of an answer to a commit that was sent, and may be made yet."""
        self.sent = False
        """Whether a commit was sent that was not refused."""
        self._gone: list[str] = []
        """Files there that this push takes away."""

    def run(self) -> Pushed:
        """Push.

        Raises:
            Fault: it is certain that nothing was changed.
            HubError: likewise.
            PushUnknown: it is not.
        """
        if not self._hub.ask("has_token"):
            raise Fault("no_token")
        head = self._head()
        self._require_wanted(head)
        self._gone = self._superseded(head)
        compose_card(self._subject, self._order.place, self._stage, self._kept(head))
        if self._is_at(head):
            return self._pushed(head, head.commit, changed=False)
        for wait in (*_WAITS, None):
            try:
                commit = self._commit(head)
                return self._pushed(head, commit, changed=commit != head.commit)
            except Fault as fault:
                self.sent |= fault.is_open
                if commit := self._made_after(head, fault):
                    return self._pushed(head, commit, changed=True)
                if wait is None or fault.kind in ("late", "stalled") or not fault.is_open:
                    if self.doubt:
                        raise self._unknown(self.doubt) from fault
                    raise
            time.sleep(wait)
        raise AssertionError("the last round returns or raises")

    def _head(self) -> Listing:
        """Read the head; make the repository and the branch where there is none."""
        hub, repo, branch = self._hub, self._repo, self._branch
        try:
            return self._look(branch)
        except Fault as fault:
            if fault.kind == "no_repository":
                self._create()
            elif fault.kind != "no_revision":
                raise
        if branch != DEFAULT:
            hub.ask("branch", repo=repo, name=branch)
        return self._look(branch)

    def _create(self) -> None:
        try:
            self._hub.ask("create", repo=self._repo, private=self._order.private is not False)
        except Fault as fault:
            if fault.kind == "no_repository":  # it is what was to be made
                raise Fault("no_owner", fault.text) from fault
            raise

    def _look(self, revision: str) -> Listing:
        return Listing.read(self._hub.ask("look", repo=self._repo, revision=revision))

    def _require_wanted(self, head: Listing) -> None:
        if self._order.private and not head.private:
            raise HubError(
                f"not pushed: {self._repo} is public on {host()}, and --private was asked for. "
                "Make it private there, or choose another."
            )

    def _kept(self, head: Listing) -> Kept:
        """Return what users have written into the card that is there."""
        remote = head.files.get(README)
        if remote is None:
            return Kept()
        if remote.size > _LARGEST_READ:
            raise HubError(
                f"not pushed: {README} of {self._order.place} has {remote.size:,} bytes, and zoo "
                f"reads {_LARGEST_READ:,} to keep what is yours in it; shorten it there"
            )
        return kept_of(self._read(head, README))

    def _superseded(self, head: Listing) -> list[str]:
        """Return the files that an earlier push has sent, as its manifest says, and this does not.

        Files of the same names that users have put there are theirs, and stay.
        """
        there, ours = head.files, (README, *self._stage.files)
        others = [name for name in KNOWN if name in there and name not in ours]
        if not others or MANIFEST not in there or there[MANIFEST].size > _LARGEST_READ:
            return []
        data = self._read(head, MANIFEST)
        try:
            listed = read_manifest(data)
        except CorruptWeights:  # somebody else's file
            return []
        return [name for name in others if name in listed]

    def _read(self, head: Listing, name: str) -> bytes:
        """Return what a small file has; to be compared with the list, it is stored."""
        remote, folder = head.files[name], self._stage.folder / "seen"
        folder.mkdir(exist_ok=True)
        path = self._hub.ask(
            "stream",
            repo=self._repo,
            revision=head.commit,
            name=name,
            size=remote.size,
            folder=str(folder),
        )
        require_listed(remote, Path(path))
        return Path(path).read_bytes()

    def _is_at(self, head: Listing) -> bool:
        files = self._stage.files.items()
        is_all_there = all(file.is_at(head.files.get(name)) for name, file in files)
        return is_all_there and not any(name in head.files for name in self._gone)

    def _commit(self, head: Listing) -> str:
        files = self._stage.files
        total = sum(file.size for file in files.values())
        self._hub.progress.begin(f"pushing to {self._repo}", total)
        commit = self._hub.call(
            "commit",
            repo=self._repo,
            revision=self._branch,
            parent=head.commit,
            message=self._order.message.strip() or f"{self._subject.run.name}, pushed by zoo",
            files=[(name, str(file.path), file.sha256) for name, file in files.items()],
            delete=self._gone,
        )
        self.sent = True
        if not is_commit(commit):
            fault = Fault("garbled", "no commit is named where one was made")
            fault.sent = True
            raise fault
        return str(commit)

    def _made_after(self, seen: Listing, fault: Fault) -> str:
        """Return our commit, where it came upon the head that was seen; empty where none came.

        Raises:
            Fault: it was not made, and will not be.
            PushUnknown: what is there can't be read.
        """
        if not (fault.is_open or self.doubt):
            raise fault
        if not fault.is_answer:
            self.doubt = fault
        try:
            self._hub.renew(_GRACE)
            commit, moved = self._found_after(seen)
        except (Fault, CorruptWeights) as unread:
            raise self._unknown(unread) from fault
        if moved and not commit:  # on one parent only one can succeed, and it was another
            raise Fault("conflict") from fault
        return commit

    def _found_after(self, seen: Listing) -> tuple[str, bool]:
        """Return the commit behind `seen` that is ours, or nothing, and whether there is any."""
        head = self._look(self._branch)
        if head.commit == seen.commit:
            return "", False
        behind = self._hub.ask("since", repo=self._repo, revision=self._branch, parent=seen.commit)
        for commit in behind[:_LOOKED_AT] or [head.commit]:
            if self._is_at(self._look(commit)):
                return commit, True
        return "", True

    def _unknown(self, fault: Fault | CorruptWeights) -> PushUnknown:
        text = f"{fault}."
        if isinstance(fault, Fault):
            text = str(explain(fault, self._order.place, "push", self._hub.deadline.seconds))
            text = f"{_AGAIN.split(text)[0].rstrip('.')}."
        return PushUnknown(
            f"it is not known whether {self._subject.run.name} was pushed to {self._order.place}: "
            f"the commit was sent, but {text} Push it again: what is there is not sent twice"
        )

    def _pushed(self, head: Listing, commit: str, *, changed: bool) -> Pushed:
        notes = [*notes_of(self._subject)] if changed else []
        if self._order.private is False and head.private:
            notes.append(f"{self._repo} is private on {host()}, and stays so until you change it")
        elif self._order.private is None and not head.private:
            notes.append(f"{self._repo} is public on {host()}")
        return Pushed(
            run=self._subject.run.name,
            repo=self._repo,
            revision=self._branch,
            commit=commit,
            changed=changed,
            private=head.private,
            files={name: file.size for name, file in sorted(self._stage.files.items())},
            notes=tuple(notes),
        )
