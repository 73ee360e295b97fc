"""Pushing a run: one commit on the head that was seen, and the truth about what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo_registry import Registry, UsageError

from ..errors import HubError, PushUnknown, Stopped
from ..runs import RECIPE as RUN_RECIPE
from ._card import write_card
from ._client import SENDING, TRANSPORT, Fault, Hub
from ._config import write_config
from ._curves import draw_curves
from ._deadline import TIMEOUT, Deadline
from ._explain import explain
from ._front import Kept, kept_of
from ._manifest import (
    CONFIG,
    CURVES,
    KNOWN,
    MANIFEST,
    METRICS,
    README,
    RECIPE,
    TORCH_WEIGHTS,
    WEIGHTS,
    write_manifest,
)
from ._place import DEFAULT, Place, host
from ._progress import Progress
from ._remote import Listing, require_listed
from ._stage import Stage, staging
from ._subject import Subject, subject_of

_ROUNDS = 3
"""How often a commit is sent whose answer told of a fault; on one parent only one can succeed."""
_GRACE = 15.0
"""Seconds to find out what has come of a commit, when the time is over."""
_LARGEST_CARD = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be pushed where."""

    source: str
    """A run's name, its folder, or @alias."""
    place: Place
    private: bool | None = None
    """None: a new repository is private, one that is there stays as it is."""
    message: str = ""
    with_pth: bool = False


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push came to."""

    run: str
    repo: str
    revision: str
    commit: str
    """The commit that the branch is at now."""
    changed: bool
    """Whether a commit was made; False where all was there already."""
    private: bool
    files: Mapping[str, int]
    """Sizes in bytes, by name."""
    notes: tuple[str, ...] = ()


def plan_push(order: Order, registry: Registry) -> tuple[Subject, dict[str, int]]:
    """Return the run, and the sizes of its files that a push sends as they are.

    Raises:
        UsageError: no run that can be pushed, or without the file asked for.
    """
    subject = subject_of(order.source, registry)
    wanted = [WEIGHTS, RECIPE, METRICS, *([TORCH_WEIGHTS] if order.with_pth else [])]
    recorded = subject.run.record["files"]
    missing = [name for name in wanted if name not in recorded]
    if missing and missing != [METRICS]:  # a run that was stopped in its first epoch has none
        raise UsageError(
            f"the run {subject.run.name} has recorded no {missing[0]}; `zoo runs show "
            f"{subject.run.name}` shows what it has"
        )
    return subject, {name: recorded[name]["bytes"] for name in wanted if name in recorded}


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
        self._compose_fixed()
        if not self._hub.ask("has_token"):
            raise Fault("no_token")
        last: Fault | None = None
        for _ in range(_ROUNDS):
            head = self._look(last)
            self._require_wanted(head)
            self._compose_card(head)
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

    def _compose_fixed(self) -> None:
        """Write what depends on the run alone."""
        subject, stage = self._subject, self._stage
        stage.write(CONFIG, write_config(subject).encode())
        monitor = str(subject.run.record.get("monitor", "")).partition(":")[0]
        if picture := draw_curves(subject.run.history, monitor):
            stage.write(CURVES, picture)

    def _compose_card(self, head: Listing) -> None:
        """Write the card, with what users have added to the one that is there, and the manifest."""
        stage = self._stage
        stage.files.pop(README, None)
        stage.files.pop(MANIFEST, None)
        sizes = {name: file.size for name, file in stage.files.items()}
        recipe = (self._subject.run.path / RUN_RECIPE).read_text("utf-8")
        card = write_card(self._subject, self._repo, recipe, sizes, self._kept(head))
        stage.write(README, card.encode())
        digests = {
            name: {"sha256": file.sha256, "bytes": file.size}
            for name, file in sorted(stage.files.items())
        }
        made_with = str(self._subject.run.record.get("zoo_version", ""))
        manifest = write_manifest(self._subject.run.name, made_with, digests)
        stage.write(MANIFEST, manifest.encode())

    def _kept(self, head: Listing) -> Kept:
        remote = head.files.get(README)
        if remote is None or remote.size > _LARGEST_CARD:
            return Kept({}, "")
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
