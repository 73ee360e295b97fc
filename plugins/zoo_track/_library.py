"""Libraries that come with an extra, or with none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.home import offline
from zoo_registry import UsageError

_SILENT = "MLFLOW_DISABLE_TELEMETRY"


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Let what the extra `name` brings be imported inside the block.

    Raises:
        UsageError: it is not installed, or broken; the text says what to type.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"--track {name} needs a library that can't be imported ({error}); "
            f"pip install 'zoo-registry[{name}]'"
        ) from error


@contextmanager
def untold() -> Iterator[None]:
    """Let MLflow be imported inside the block; with ZOO_OFFLINE it then reports its use to nobody.

    It reads the variable when it is imported. What others start from here has it as it was.
    """
    before = os.environ.get(_SILENT)
    if offline():
        os.environ[_SILENT] = "true"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SILENT, None)
        else:
            os.environ[_SILENT] = before
