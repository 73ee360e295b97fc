"""Pushing a run: one commit on the head that was seen, and the truth about what came of it."""

from pathlib import Path

from zoo_registry import Registry

from ..errors import HubError, PushUnknown, Stopped
from ._client import SENDING, TRANSPORT, Fault, Hub
from ._compose import compose_card, compose_fixed
from ._deadline import TIMEOUT, Deadline
from ._explain import explain
from ._kept import Kept, kept_of
from ._manifest import KNOWN, MANIFEST, README
from ._order import Order, Pushed, plan_push
from ._place import DEFAULT, Place, host
from ._progress import Progress
from ._remote import Listing, require_listed
from ._stage import Stage, staging
from ._subject import Subject

_ROUNDS = 3
"""How often a commit is sent whose answer told of a fault; on one parent only one can succeed."""
_GRACE = 15.0
"""Seconds to find out what has come of a commit, when the time is over."""
_LARGEST_CARD = 1_000_000


def push_run(
    order: Order, registry: Registry, progress: Progress, timeout: float = TIMEOUT
) -> Pushed:
    """Push a run to a hub; raise where that was not done, or can't be known.

    Raises:
        UsageError: what was asked is wrong.
        HubError: it was not pushed.
        PushUnknown: nobody answered after the commit was sent.
        CorruptWeights: a file is not what the run stored; nothing was pushed.
        Stopped: by Ctrl-C, after the commit was sent.
    """
    subject, sizes = plan_push(order, registry)
    deadline = Deadline(timeout)
    with staging() as stage, Hub(deadline, progress) as hub:
        hub.start()  # it gets ready while copies are made
        for name in sizes:
            stage.copy(name, subject.run.path / name, subject.run.record["files"][name])
        try:
            return _Push(order, subject, stage, hub).run()
        except Fault as fault:
            raise explain(fault, order.place, "push", timeout, "not pushed: ") from fault
        except KeyboardInterrupt:
            if not hub.committing:
                raise
            raise Stopped(
                f"interrupted after the commit was sent to {order.place}: it may be there, or not. "
                "Push again: what is there is not sent twice",
                exit_code=130,
            ) from None
        finally:
            progress.close()


def why_not_ready(hub: Hub) -> str:
    """Return, in words, what a push would fail for as things are; empty where nothing is known."""
    try:
        fault = None if hub.ask("has_token") else Fault("no_token")
    except Fault as found:
        fault = found
    return str(explain(fault, Place("it"), "push")) if fault else ""


class _Push:
    """Rounds of looking at the head and sending a commit on it, until one is known to be there."""

    def __init__(self, order: Order, subject: Subject, stage: Stage, hub: Hub) -> None:
        self._order, self._subject, self._stage, self._hub = order, subject, stage, hub
        self._repo, self._branch = order.place

    def run(self) -> Pushed:
        """Push.

        Raises:
            Fault: it is certain that nothing was changed.
        """
        compose_fixed(self._subject, self._stage)
        if not self._hub.ask("has_token"):
            raise Fault("no_token")
        last: Fault | None = None
        for _ in range(_ROUNDS):
            head = self._look(last)
            self._require_wanted(head)
            compose_card(self._subject, self._repo, self._stage, self._kept(head))
            if self._is_at(head):
                return self._pushed(head, head.commit, changed=last is not None)
            if last is not None and last.kind in ("conflict", "late"):
                break
            try:
                return self._pushed(head, self._commit(head), changed=True)
            except Fault as fault:
                if not fault.sent:
                    raise
                last = fault
                if fault.kind not in (*TRANSPORT, "conflict", "late"):
                    break
        assert last is not None
        if last.kind in ("late", "stalled"):
            raise self._unknown(last)
        raise last

    def _look(self, last: Fault | None) -> Listing:
        """Read the head; make the repository and the branch where there is none.

        After a commit was sent, whose answer was `last`, that must be found out.
        """
        if last is None:
            return self._head()
        self._hub.deadline.grant(_GRACE)
        try:
            return Listing.read(self._hub.ask("look", repo=self._repo, revision=self._branch))
        except Fault as fault:
            raise self._unknown(fault) from fault

    def _head(self) -> Listing:
        hub, repo, branch = self._hub, self._repo, self._branch
        try:
            return Listing.read(hub.ask("look", repo=repo, revision=branch))
        except Fault as fault:
            if fault.kind == "no_repository":
                hub.ask("create", repo=repo, private=self._order.private is not False)
            elif fault.kind != "no_revision":
                raise
        if branch != DEFAULT:
            hub.ask("branch", repo=repo, name=branch)
        return Listing.read(hub.ask("look", repo=repo, revision=branch))

    def _require_wanted(self, head: Listing) -> None:
        if self._order.private and not head.private:
            raise HubError(
                f"not pushed: {self._repo} is public on {host()}, and --private was asked for. "
                "Make it private there, or choose another"
            )

    def _kept(self, head: Listing) -> Kept:
        """Return what users have written into the card that is there."""
        remote = head.files.get(README)
        if remote is None:
            return Kept()
        if remote.size > _LARGEST_CARD:
            raise HubError(
                f"not pushed: {README} of {self._order.place} has {remote.size:,} bytes, and zoo "
                f"reads {_LARGEST_CARD:,} to keep what is yours in it; shorten it there"
            )
        folder = str(self._stage.folder / "seen")
        found = self._hub.ask(
            "fetch", repo=self._repo, revision=head.commit, name=README, folder=folder
        )
        require_listed(remote, Path(found))
        return kept_of(Path(found).read_bytes())

    def _is_at(self, head: Listing) -> bool:
        files = self._stage.files.items()
        return all(file.is_at(head.files.get(name)) for name, file in files) and not self._gone(
            head
        )

    def _gone(self, head: Listing) -> list[str]:
        """Return the files of an earlier push that this one does not have."""
        if MANIFEST not in head.files:
            return []
        return [name for name in KNOWN if name in head.files and name not in self._stage.files]

    def _commit(self, head: Listing) -> str:
        files = self._stage.files
        total = sum(file.size for file in files.values())
        self._hub.progress.begin(f"pushing to {self._repo}", total)
        commit = self._hub.call(
            "commit",
            quiet=SENDING,
            repo=self._repo,
            revision=self._branch,
            parent=head.commit,
            message=self._order.message or f"{self._subject.run.name}, pushed by zoo",
            files=[(name, str(file.path), file.sha256) for name, file in files.items()],
            delete=self._gone(head),
        )
        return str(commit)

    def _pushed(self, head: Listing, commit: str, *, changed: bool) -> Pushed:
        notes = []
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

    def _unknown(self, fault: Fault) -> PushUnknown:
        text = explain(fault, self._order.place, "push", self._hub.deadline.seconds)
        return PushUnknown(
            f"it is not known whether {self._subject.run.name} was pushed to {self._order.place}: "
            f"the commit was sent, and then {text} Push it again: what is there is not sent twice"
        )
