"""The Python API: what the command line does, as functions."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from torch import Tensor, nn
from torch.utils.data import Dataset

from zoo_registry import InvalidOption, options_of

from ._onnx_files import onnx_file
from ._options import check_options
from ._ranked import train_on_ranks
from ._registry import registry
from ._resumed import resumable, resumed_root, resumed_settings, resumed_trackers
from ._tracked import choose_trackers, part_options, require_libraries
from .home import user_path
from .inference import load, measure, read_onnx
from .inference import predict as predict_all
from .recipe import OBJECT, make_plans, must_launch
from .reporting import Reporter, Silent, screen_reporter
from .runs import Run, require_free
from .training import Request, build_module
from .training import train as train_request

_OBJECTS: dict[str, type] = {
    "model": nn.Module,
    "dataset": object,
    "loss": nn.Module,
    "augment.transform": Callable,  # type: ignore[dict-item] # isinstance takes it as it does types
}
"""Parts that may be Python objects, and of which type."""


class Fields(TypedDict, total=False):
    """The fields of a recipe that are arguments of `train`; see `zoo.recipe.Recipe`."""

    optimizer: str
    scheduler: str
    epochs: int
    batch_size: int
    lr: float
    seed: int
    device: str
    parallel: str
    ranks: int
    precision: str
    tf32: bool
    compile: str
    workers: int
    cache: str
    accumulate: int
    clip_norm: float
    ema: float
    freeze: Sequence[str]
    lr_scale: Mapping[str, float]
    norm_decay: bool
    early_stop: int
    checkpoint_steps: int
    checkpoint_minutes: float
    keep_checkpoints: int
    monitor: str
    weights: str | Path
    weights_sha256: str
    reset_head: bool


class How(TypedDict, total=False):
    """The fields of a recipe that say how a training is computed, not what comes out."""

    device: str
    parallel: str
    ranks: int
    workers: int


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
        source: a run's name, its folder, or a `.safetensors` file that a training wrote; or
            `hf:USER/REPO[@REVISION]`, which is pulled from a hub where it is not here.

    Raises:
        ZooError: there is none, it is damaged, or its plugin is not installed.
    """
    return load(source, registry()).model


def train(  # noqa: PLR0913 - as many as the command has flags
    model: str | Path | nn.Module,
    dataset: Any = None,
    *,
    loss: str | nn.Module | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
    data_dir: str | Path | None = None,
    name: str | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the flag's name
    track: str | Sequence[str] = (),
    max_restarts: int = 0,
    progress: bool | Reporter = True,
    **fields: Unpack[Fields],
) -> Run:
    """Train a model and store it as a run.

    Args:
        model: a name, a recipe file (`.toml`), or any module, which is trained in place.
        dataset: a name, `folder:PATH` or `npz:PATH`; (x, y) arrays or tensors, of which a fifth
            is held out; (x_train, y_train, x_test, y_test); a torch Dataset, or (train, test)
            Datasets; `zoo_registry.Splits`. None: the first of the model's own that can be had.
        loss: a name, or a module `(outputs, targets) -> scalar mean`.
        transform: changes each training sample, uint8 (C, H, W) of images, as it is read; what it
            draws at random depends on the seed, the epoch and the sample only.
        data_dir: the folder handed to datasets.
        name: of the run; None: `<model>-<dataset>-<n>`.
        set: any settings, also options of the parts, `{"model.width": 64}`, and of trackers.
        track: names of trackers that follow it: "tensorboard".
        max_restarts: with `ranks`, how often all start again, from the newest checkpoint, after
            one has died.
        progress: False shows nothing; a `zoo.reporting.Reporter` of your own, which must be in
            the process that trains, is told instead.
        fields: the recipe's other fields, `epochs=3, batch_size=64, precision="bf16"`; see
            `zoo.recipe.Recipe`.

    Raises:
        ZooError: with the text that the command line prints.
    """
    given = {"loss": loss, **fields}
    asked: dict[str, Any] = {"model": model, "dataset": dataset, **given}
    for key, value in (set or {}).items():
        if asked.get(key) not in (None, value):
            raise InvalidOption(f"{key} is set twice: {asked[key]!r} and {value!r}")
        asked[key] = value
    asked, options = part_options(asked)
    trackers = choose_trackers(_names(track), options, registry())
    if transform is not None:
        asked["augment.transform"] = transform
    if name is not None:
        require_free(name)
    settings, objects = _parted(asked)
    root = None if data_dir is None else user_path(data_dir)
    plans = make_plans(settings, registry(), root)
    request = Request(plans=plans, objects=objects, data_root=root, trackers=trackers)
    return _trained(request, settings, name, progress, max_restarts)


def resume(  # noqa: PLR0913 - likewise
    source: str | Path,
    *,
    model: nn.Module | None = None,
    dataset: Any = None,
    loss: nn.Module | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
    data_dir: str | Path | None = None,
    track: str | Sequence[str] | Literal[False] = (),
    set: Mapping[str, Any] | None = None,  # noqa: A002 - likewise
    force: bool = False,
    max_restarts: int = 0,
    progress: bool | Reporter = True,
    **how: Unpack[How],
) -> Run:
    """Go on with a run from its newest checkpoint, as if it had never been stopped.

    Args:
        source: the run's name or folder.
        model: the module, where the run began with one; its weights are replaced.
        dataset: the arrays or Datasets, where it began with such; the same ones.
        loss: likewise.
        transform: likewise.
        data_dir: the folder handed to datasets; None: the one from before.
        track: names of more trackers; False: none, those from before neither.
        set: options of trackers, `{"track.tensorboard.log_dir": "logs"}`.
        force: go on also where the run is recorded as being trained elsewhere.
        max_restarts: as for `train`.
        progress: as for `train`.
        how: `device`, `parallel`, `ranks` or `workers`, where it is to be computed in another way
            than before.

    Raises:
        ZooError: with the text that the command line prints: among others where the run is
            finished, or its data have changed.
    """
    run = resumable(source, force=force)
    given = {"model": model, "dataset": dataset, "loss": loss, "transform": transform}
    objects = {part: value for part, value in given.items() if value is not None}
    settings = resumed_settings(run, how, objects)
    root = resumed_root(run, None if data_dir is None else user_path(data_dir))
    plans = make_plans(settings, registry(), root)
    trackers = resumed_trackers(
        run, _names(track or ()), set or {}, registry(), keep=track is not False
    )
    request = Request(
        plans=plans,
        objects=objects,
        data_root=root,
        resumed=run,
        forced=force,
        trackers=trackers,
    )
    return _trained(request, settings, None, progress, max_restarts)


def _trained(
    request: Request,
    settings: Mapping[str, Any],
    name: str | None,
    progress: bool | Reporter,
    max_restarts: int,
) -> Run:
    """Train here, or on ranks that are started here, which make their own plans of `settings`."""
    asked = request.plans[0].settings
    if not must_launch(asked):
        return train_request(request, registry(), _reporter(progress), name)
    require_libraries(request.trackers, registry())
    return train_on_ranks(
        settings,
        request.objects,
        request.data_root,
        name,
        show=_shown_by_ranks(progress),
        ranks=asked["ranks"],
        max_restarts=max_restarts,
        resumed=None if request.resumed is None else request.resumed.path,
        forced=request.forced,
        trackers=request.trackers,
    )


def _names(track: str | Sequence[str]) -> Sequence[str]:
    return (track,) if isinstance(track, str) else track


def _parted(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the parts given as objects from the settings, where their names stand for them."""
    settings: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for key, value in asked.items():
        if isinstance(value, Path):
            settings[key] = str(value)
        elif key in _OBJECTS and value is not None and not isinstance(value, str):
            part = key.rpartition(".")[2]
            objects[part] = value
            settings[key] = _object_name(key, value)
        elif value is not None:
            settings[key] = value
    return settings, objects


def _reporter(progress: bool | Reporter) -> Reporter:
    if isinstance(progress, bool):
        return screen_reporter() if progress else Silent()
    return progress


def _shown_by_ranks(progress: bool | Reporter) -> str:
    """Return what ranks that are started here show.

    Raises:
        InvalidOption: a reporter of the user's own, of which they would tell a copy.
    """
    if not isinstance(progress, bool):
        raise InvalidOption(
            f"progress: ranks train in processes of their own, which can't tell the "
            f"{type(progress).__name__} of this one; give True or False, or start the script "
            "with torchrun"
        )
    return "screen" if progress else "silent"


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
    """Ask a trained model, or an ONNX file of one, about image files or `.npz` arrays.

    See `zoo predict`.
    """
    file = onnx_file(source)
    loaded = load(source, registry()) if file is None else read_onnx(file)
    return list(predict_all(loaded, inputs, device=device))


def _object_name(part: str, value: Any) -> str:
    """Name a part given as an object, for the recipe and the run.

    Raises:
        InvalidOption: it is of the wrong type.
    """
    if not isinstance(value, _OBJECTS[part]):
        raise InvalidOption(
            f"{part}: expected a name or an nn.Module, not a {type(value).__name__}"
        )
    name = "arrays" if part == "dataset" else getattr(value, "__name__", type(value).__name__)
    if isinstance(value, nn.Module | Dataset):
        name = type(value).__name__
    return OBJECT + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
