"""Weights on disk: a model's tensors under the bare model's names, written whole, read safely.

Imports torch; what needs none of it is in `zoo._weight_files`.
"""

from .._files import SavedFile
from .._weight_files import read_metadata
from ._canonical import canonical_state_dict
from ._foreign import Foreign, classes_in, read_foreign, require_fit
from ._load import load_weights, read_state_dict
from ._modules import bare
from ._report import LoadReport, Mismatch
from ._restore import restore_tensors
from ._save import check_storable, save_weights, weights_writer, write_tensors

__all__ = [
    "Foreign",
    "LoadReport",
    "Mismatch",
    "SavedFile",
    "bare",
    "canonical_state_dict",
    "check_storable",
    "classes_in",
    "load_weights",
    "read_foreign",
    "read_metadata",
    "read_state_dict",
    "require_fit",
    "restore_tensors",
    "save_weights",
    "weights_writer",
    "write_tensors",
]
