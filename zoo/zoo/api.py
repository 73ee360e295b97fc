"""The Python API: what the command line does, as functions."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from zoo_registry import InvalidOption, options_of

from ._options import check_options
from ._registry import registry
from .home import user_path
from .inference import load, measure
from .inference import predict as predict_all
from .recipe import OBJECT, make_plans
from .reporting import Reporter, Silent, screen_reporter
from .runs import Run, require_free
from .training import Request, build_module
from .training import train as train_request

_OBJECTS: dict[str, type] = {"model": nn.Module, "dataset": object, "loss": nn.Module}
"""Parts that may be Python objects, and of which type."""


def create_model(name: str, **options: Any) -> nn.Module:
    """Build a model: a plain `nn.Module` with fresh weights.

    Args:
        name: qualified or bare.
        options: keyword arguments of the model's builder; `zoo info NAME` shows them.

    Raises:
        UnknownName: no plugin offers it.
        InvalidOption: an option the model does not have, or a value of the wrong type.
    """
    entry = registry().find("model", name)
    return build_module(
        entry, **check_options(entry.name, "model", options_of(entry.spec), options)
    )


def load_model(source: str | Path) -> nn.Module:
    """Load a trained model, in eval mode on the CPU.

    Args:
        source: a run's name, its folder, or a `.safetensors` file that a training wrote.

    Raises:
        ZooError: there is none, it is damaged, or its plugin is not installed.
    """
    return load(source, registry()).model


def train(  # noqa: PLR0913 - the flags of `zoo train`, one for one
    model: str | Path | nn.Module,
    dataset: Any = None,
    *,
    optimizer: str | None = None,
    scheduler: str | None = None,
    loss: str | nn.Module | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    parallel: str | None = None,
    workers: int | None = None,
    monitor: str | None = None,
    data_dir: str | Path | None = None,
    name: str | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the flag's name
    progress: bool | Reporter = True,
) -> Run:
    """Train a model and store it as a run.

    Args:
        model: a name, a recipe file (`.toml`), or any module, which is trained in place.
        dataset: a name, `folder:PATH` or `npz:PATH`; (x, y) arrays or tensors, of which a fifth
            is held out; (x_train, y_train, x_test, y_test); a torch Dataset, or (train, test)
            Datasets; `zoo_registry.Splits`. None: the first of the model's own that can be had.
        optimizer: a name.
        scheduler: a name.
        loss: a name, or a module `(outputs, targets) -> scalar mean`.
        epochs: passes over the training split.
        batch_size: samples per optimizer step, summed over all devices.
        lr: learning rate.
        seed: of initial weights, order and dropout.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        parallel: `none` or `dp`.
        workers: processes that read items, for datasets that are not in memory.
        monitor: the metric that chooses the best epoch, `accuracy` or `accuracy:max`.
        data_dir: the folder handed to datasets.
        name: of the run; None: `<model>-<dataset>-<n>`.
        set: any other settings, `{"model.width": 64}`.
        progress: False shows nothing.

    Raises:
        ZooError: with the text that the command line prints.
    """
    asked = {
        "model": model,
        "dataset": dataset,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "loss": loss,
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "device": device,
        "parallel": parallel,
        "workers": workers,
        "monitor": monitor,
    }
    for key, value in (set or {}).items():
        if asked.get(key) not in (None, value):
            raise InvalidOption(f"{key} is set twice: {asked[key]!r} and {value!r}")
        asked[key] = value
    if name is not None:
        require_free(name)
    return train_request(_request(asked, data_dir), registry(), _reporter(progress), name)


def _request(asked: Mapping[str, Any], data_dir: str | Path | None) -> Request:
    """Tell the parts given as objects from the settings, and plan with their names."""
    settings: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for key, value in asked.items():
        if isinstance(value, Path):
            settings[key] = str(value)
        elif key in _OBJECTS and value is not None and not isinstance(value, str):
            objects[key] = value
            settings[key] = _object_name(key, value)
        elif value is not None:
            settings[key] = value
    root = None if data_dir is None else user_path(data_dir)
    plans = make_plans(settings, registry(), root)
    return Request(plans=plans, objects=objects, data_root=root)


def _reporter(progress: bool | Reporter) -> Reporter:
    if isinstance(progress, bool):
        return screen_reporter() if progress else Silent()
    return progress


def evaluate(
    source: str | Path,
    dataset: Any = None,
    *,
    data_dir: str | Path | None = None,
    device: str = "auto",
) -> dict[str, float]:
    """Measure a trained model; see `zoo eval`.

    Args:
        source: as `load_model` takes it.
        dataset: as `train` takes it; None: the one the model was trained on.
        data_dir: the folder handed to datasets.
        device: where to compute.

    Returns:
        The metrics of the model's task, fractions as fractions.
    """
    asked = {"dataset": dataset} if isinstance(dataset, str) else {}
    result = measure(
        load(source, registry()),
        registry(),
        asked,
        dataset=None if isinstance(dataset, str) else dataset,
        root=None if data_dir is None else user_path(data_dir),
        device=device,
    )
    metrics: dict[str, float] = result["metrics"]
    return metrics


def predict(
    source: str | Path, inputs: Sequence[str | Path], *, device: str = "auto"
) -> list[dict[str, Any]]:
    """Ask a trained model about image files or `.npz` arrays; see `zoo predict`."""
    return list(predict_all(load(source, registry()), inputs, device=device))


def _object_name(part: str, value: Any) -> str:
    """Name a part given as an object, for the recipe and the run.

    Raises:
        InvalidOption: it is of the wrong type.
    """
    if not isinstance(value, _OBJECTS[part]):
        raise InvalidOption(
            f"{part}: expected a name or an nn.Module, not a {type(value).__name__}"
        )
    name = type(value).__name__ if isinstance(value, nn.Module | Dataset) else "arrays"
    return OBJECT + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
