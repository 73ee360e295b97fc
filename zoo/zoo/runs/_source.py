"""From a run's name, its folder or a file to the weights that are meant, without torch."""

from pathlib import Path

from ..errors import UsageError
from ..home import user_path
from ._listing import find_run
from ._run import Run
from ._verify import verify_files

_SUFFIXES = (".safetensors", ".pth", ".pt")


def weights_file(source: str | Path) -> Path:
    """Find the weights file that `source` means; a run's files are checked against its digests.

    What it returns is found again at no cost: a file is not checked.

    Raises:
        UsageError: there is no such run and no such file.
        CorruptWeights: a run's file differs from what the run recorded.
    """
    path = user_path(source)
    if path.is_file():
        if path.suffix != ".safetensors":
            raise UsageError(
                f"{path} does not say which model it is for; give the .safetensors file or the "
                "run, or build the model and use zoo.load_weights(model, file)"
            )
        return path
    if path.suffix in _SUFFIXES and not path.is_dir():
        raise UsageError(f"there is no file {path}")
    # A name is looked up as it is; of a path, `./name` is to stay what it says.
    run = find_run(path if str(source).startswith("~") else str(source))
    return _stored(run)


def _stored(run: Run) -> Path:
    if not run.weights.exists():
        reason = f" ({run.reason})" if run.reason else ""
        raise UsageError(f"the run {run.name} is {run.state} and has stored no weights{reason}")
    if run.state in ("done", "stopped", "failed"):
        # While a run goes on, a newer file may be a moment ahead of its record.
        verify_files(run)
    return run.weights
