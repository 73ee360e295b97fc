"""Using trained models: load, measure, predict."""

from ._evaluate import measure
from ._load import Loaded, load
from ._predict import predict

__all__ = ["Loaded", "load", "measure", "predict"]
