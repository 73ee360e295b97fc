"""Runs: each training has a folder, readable without torch and never seen half-written."""

from ._listing import find_run, list_runs
from ._machine import machine_facts
from ._run import Run, open_run
from ._source import weights_file
from ._verify import verify_files
from ._writer import RunWriter, require_free

__all__ = [
    "Run",
    "RunWriter",
    "find_run",
    "list_runs",
    "machine_facts",
    "open_run",
    "require_free",
    "verify_files",
    "weights_file",
]
