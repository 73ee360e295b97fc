"""From a run's name, an alias, a folder or a file to the weights that are meant, without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .. import hub
from .._weight_files import graph_refusal
from ..errors import CorruptWeights, UsageError
from ..home import user_path
from ._aliases import SIGN, find_alias
from ._listing import aliased_run, find_run
from ._run import RECIPE, WEIGHTS, Run
from ._verify import verify_files

_SUFFIXES = (".safetensors", ".pth", ".pt")


class FoundWeights(NamedTuple):
    """Where weights are."""

    path: Path
    verified: bool
    """Whether they were found to be what a run stored, or a hub listed, just now."""
    foreign: bool = False
    """Whether anybody may have made them: what they ask for is not built before it was measured."""
    metadata: Mapping[str, str] | None = None
    """What is known of weights that say nothing of themselves; None where they do."""
    note: str = ""
    """What a user should know of how they were found; empty: nothing."""


def weights_file(source: str | Path) -> Path:
    """Return the path of what `find_weights` finds."""
    return find_weights(source).path


def find_weights(source: str | Path) -> FoundWeights:
    """Find the weights that `source` means; a run's files are checked against its digests.

    A file is not checked. `hf:USER/REPO` is pulled from a hub, where it is not here.

    Raises:
        UsageError: there is no such run, alias or file, or no such repository on the hub.
        HubError: the hub can't be reached, or refuses, and no copy is here.
        CorruptWeights: a run's file differs from what the run recorded, or the run's weights are
            not those that were given the alias.
    """
    if str(source).startswith(SIGN):  # a file of that name is `./@…`
        return _aliased(str(source))
    if str(source).startswith(hub.SIGN):
        return _on_hub(str(source))
    path = user_path(source)
    if path.is_file():
        if graph := graph_refusal(path):
            raise UsageError(graph)
        if path.suffix != ".safetensors":
            raise UsageError(
                f"{path} does not say which model it is for; give the .safetensors file or the "
                "run, or build the model and use zoo.load_weights(model, file)"
            )
        return FoundWeights(path, verified=False)
    if path.suffix in _SUFFIXES and not path.is_dir():
        raise UsageError(f"there is no file {path}")
    # A name is looked up as it is; of a path, `./name` is to stay what it says.
    run = find_run(str(source))
    # While a run goes on, a newer file may be a moment ahead of its record.
    return _stored(run, verify=run.state not in ("running", "killed"))


def _on_hub(source: str) -> FoundWeights:
    pulled = hub.use_model(source)
    note = f"{hub.SIGN}{pulled.name} is commit {pulled.commit}"
    return FoundWeights(
        pulled.weights, verified=True, foreign=True, metadata=pulled.metadata, note=note
    )


def _aliased(name: str) -> FoundWeights:
    alias = find_alias(name)
    run = aliased_run(alias)
    found = _stored(run, verify=True)
    if run.record["files"].get(WEIGHTS, {}).get("sha256") != alias.weights:
        raise CorruptWeights(
            f"the run {run.name} has other weights than when it was given the alias {alias.name}; "
            f"`zoo runs tag {run.name} {alias.name}` accepts those it has now."
        )
    return found


def _stored(run: Run, *, verify: bool) -> FoundWeights:
    if not run.weights.exists():
        raise UsageError(why_no_weights(run))
    # A file that the record does not name is there, but compared with nothing.
    files = verify_files(run) if verify else []
    return FoundWeights(run.weights, verified=run.weights in files)


def why_no_weights(run: Run) -> str:
    """Say why a run is without its weights file: it has lost it, or has stored none."""
    if WEIGHTS in run.record.get("files", {}):
        return (
            f"the run {run.name} has lost its {WEIGHTS}. Copy the run again from where it is "
            f"whole, or train it again: zoo train {run.path / RECIPE}"
        )
    reason = f" ({run.reason})" if run.reason else ""
    return f"the run {run.name} is {run.state} and has stored no weights{reason}"
