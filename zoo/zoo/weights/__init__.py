"""Weights on disk: a model's tensors under the bare model's names, written whole, read safely.

Imports torch; what needs none of it is in `zoo._weight_files`.
"""

from .._files import SavedFile
from .._weight_files import read_metadata
from ._canonical import canonical_state_dict
from ._load import load_weights, read_state_dict
from ._modules import bare
from ._report import LoadReport, Mismatch
from ._save import check_storable, save_weights

__all__ = [
    "LoadReport",
    "Mismatch",
    "SavedFile",
    "bare",
    "canonical_state_dict",
    "check_storable",
    "load_weights",
    "read_metadata",
    "read_state_dict",
    "save_weights",
]
