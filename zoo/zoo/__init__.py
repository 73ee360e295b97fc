"""zoo: discover, train, keep and reuse PyTorch models."""

from typing import TYPE_CHECKING

from ._door import door

if TYPE_CHECKING:
    from ._exported import export
    from ._reproduced import reproduce
    from ._sharing import pull, push
    from .api import create_model, evaluate, load_model, predict, resume, train
    from .data import ArrayDataset, as_splits, channels_first, read_arrays, read_image
    from .errors import ZooError
    from .exporting import Exported
    from .listing import list_datasets, list_models, list_optimizers, list_runs
    from .network import why_unreachable
    from .runs import Run
    from .weights import LoadReport, load_weights, save_weights

# Where each public name lives. Resolved on first use: `import zoo` must not cost torch.
_HOMES = {
    "ArrayDataset": "data",
    "Exported": "exporting",
    "LoadReport": "weights",
    "Run": "runs",
    "ZooError": "errors",
    "as_splits": "data",
    "channels_first": "data",
    "create_model": "api",
    "evaluate": "api",
    "export": "_exported",
    "list_datasets": "listing",
    "list_models": "listing",
    "list_optimizers": "listing",
    "list_runs": "listing",
    "load_model": "api",
    "load_weights": "weights",
    "predict": "api",
    "pull": "_sharing",
    "push": "_sharing",
    "read_arrays": "data",
    "read_image": "data",
    "reproduce": "_reproduced",
    "resume": "api",
    "save_weights": "weights",
    "train": "api",
    "why_unreachable": "network",
}

__all__ = [
    "ArrayDataset",
    "Exported",
    "LoadReport",
    "Run",
    "ZooError",
    "as_splits",
    "channels_first",
    "create_model",
    "evaluate",
    "export",
    "list_datasets",
    "list_models",
    "list_optimizers",
    "list_runs",
    "load_model",
    "load_weights",
    "predict",
    "pull",
    "push",
    "read_arrays",
    "read_image",
    "reproduce",
    "resume",
    "save_weights",
    "train",
    "why_unreachable",
]


__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
