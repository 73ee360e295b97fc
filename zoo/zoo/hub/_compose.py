"""Writing what a push adds to a run's own files: configuration, picture, card and manifest."""

from ._card import write_card
from ._config import write_config
from ._curves import draw_curves
from ._kept import Kept
from ._manifest import CONFIG, CURVES, MANIFEST, README, write_manifest
from ._place import Place
from ._stage import Stage
from ._subject import Subject


def compose_fixed(subject: Subject, stage: Stage) -> None:
    """Write what depends on the run alone."""
    stage.write(CONFIG, write_config(subject).encode())
    monitor = str(subject.run.record.get("monitor", "")).partition(":")[0]
    if picture := draw_curves(subject.run.history, monitor):
        stage.write(CURVES, picture)


def compose_card(subject: Subject, place: Place, stage: Stage, kept: Kept) -> None:
    """Write the card, in place of one written before, and the manifest of all.

    Args:
        subject: the run.
        place: where it is pushed to.
        stage: has all other files.
        kept: what users have written into the card that is there.
    """
    stage.files.pop(README, None)
    stage.files.pop(MANIFEST, None)
    sizes = {name: file.size for name, file in stage.files.items()}
    stage.write(README, write_card(subject, place, sizes, kept).encode())
    digests = {
        name: {"sha256": file.sha256, "bytes": file.size}
        for name, file in sorted(stage.files.items())
    }
    made_with = str(subject.run.record.get("zoo_version", ""))
    manifest = write_manifest(subject.run.name, made_with, digests)
    stage.write(MANIFEST, manifest.encode())
