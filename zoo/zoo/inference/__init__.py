"""Using trained models: load, measure, predict."""

from ._evaluate import measure
from ._load import Loaded, load
from ._onnx import PREPARES, OnnxModel, read_onnx
from ._predict import predict
from ._trained_on import plan_trained

__all__ = [
    "PREPARES",
    "Loaded",
    "OnnxModel",
    "load",
    "measure",
    "plan_trained",
    "predict",
    "read_onnx",
]
