"""A plugin package to start from: a model, a dataset, an optimizer, and tests that pass."""

from ._names import PackageName, check_author, check_spec_name, read_name
from ._write import Answers, write_package

__all__ = [
    "Answers",
    "PackageName",
    "check_author",
    "check_spec_name",
    "read_name",
    "write_package",
]
