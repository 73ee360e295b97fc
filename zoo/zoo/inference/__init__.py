"""Using trained models: load, measure, predict."""

from ._evaluate import measure
from ._load import Loaded, load, weights_file
from ._predict import predict

__all__ = ["Loaded", "load", "measure", "predict", "weights_file"]
