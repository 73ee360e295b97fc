"""From what was asked to a plan: every name found, every option checked, nothing imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_registry import (
    Entry,
    InvalidOption,
    ModelSpec,
    Plugin,
    Registry,
    UnknownName,
    options_of,
    read_signature,
)

from .._options import check_options
from .._ranks import is_rank
from ..home import data_dir, user_path
from ._candidates import candidates
from ._recipe import AUGMENT, OBJECT, PARTS, check_field, check_key, read_recipe
from ._start import with_digest

DEFAULTS: dict[str, Any] = {
    "optimizer": "optim/adamw",
    "scheduler": "optim/constant",
    "epochs": 10,
    "batch_size": 128,
    "seed": 0,
    "device": "auto",
    "parallel": "auto",
    "ranks": 0,
    "precision": "auto",
    "tf32": True,
    "compile": "none",
    "cache": "auto",
    "accumulate": 1,
    "clip_norm": 0.0,
    "ema": 0.0,
    "freeze": (),
    "lr_scale": {},
    "norm_decay": False,
    "early_stop": 0,
    "checkpoint_steps": 0,
    "checkpoint_minutes": 10.0,
    "keep_checkpoints": 2,
    "reset_head": False,
}
"""What holds where neither the user nor the model's author says otherwise."""

AUGMENT_ADDRESS = "zoo.augment:Augment"
"""The address whose parameters are the options `augment.*`."""

FILLED = ("num_classes", "in_channels", "image_size", "in_features")
"""Options of a model that the dataset fills."""


@dataclass(frozen=True)
class Plan:
    """A training that can start, but for what only its data can tell."""

    settings: Mapping[str, Any]
    """Flat: fields and dotted options."""
    entries: Mapping[str, Entry]
    """The entry behind each part that is named; `loss` may still be open."""
    note: str = ""
    """Why another dataset than the model's first was chosen; empty where none was."""

    def options(self, part: str) -> dict[str, Any]:
        """Return the options of one part."""
        return {
            key.partition(".")[2]: value
            for key, value in self.settings.items()
            if key.startswith(f"{part}.")
        }


def make_plans(
    asked: Mapping[str, Any], registry: Registry, root: Path | None = None
) -> list[Plan]:
    """Return a plan for each dataset that could be trained on now, the best first.

    Args:
        asked: what the user said: fields and dotted options. A `model` that ends in `.toml` is a
            recipe file, over which the rest is laid.
        registry: the installed plugins.
        root: the folder handed to datasets; None: the zoo's own.

    Raises:
        UsageError: an unknown name, key or option, or a value of the wrong type.
        DatasetUnavailable: none of the model's datasets can be had.
    """
    asked = _checked_keys(asked)
    file: dict[str, Any] = {}
    if str(asked["model"]).endswith(".toml"):
        path = user_path(asked.pop("model"))
        file = _checked_keys(read_recipe(path, overruled=asked))
        if "model" not in file:
            raise InvalidOption(f'{path} names no model; write model = "mnist-cnn" into it')
    if "weights" in asked:  # others than the file's, with a digest of their own
        file = {k: v for k, v in file.items() if k not in ("weights", "weights_sha256")}
    file, asked = with_digest(file), with_digest(asked)
    stated = file | asked
    if "dataset" in stated:
        return [_plan([file, asked], registry)]
    return [
        _plan([{**file, "dataset": name}, asked], registry, note)
        for name, note in candidates(stated["model"], registry, root or data_dir())
    ]


def plan_dataset(asked: Mapping[str, Any], registry: Registry, sizes: Mapping[str, Any]) -> Plan:
    """Return a plan for a dataset alone, to be read for a model that is there already.

    Args:
        asked: `dataset` and its dotted options.
        registry: the installed plugins.
        sizes: what the model takes, as `InputSpec.sizes` gives it; a dataset that can bring its
            samples to a size has the options `image_size` or `channels`, and gets it.
    """
    settings = _split_path(asked, registry)
    if settings["dataset"].startswith(OBJECT):
        return Plan(settings, {})
    entry = registry.find("dataset", settings["dataset"])
    wanted = {"image_size": sizes.get("image_size"), "channels": sizes.get("in_channels")}
    for option in options_of(entry.spec).options:
        if wanted.get(option.name) is not None:
            settings.setdefault(f"dataset.{option.name}", wanted[option.name])
    plan = Plan(settings, {"dataset": entry})
    return Plan({**settings, **_checked(plan)}, plan.entries)


def _plan(stated: list[dict[str, Any]], registry: Registry, note: str = "") -> Plan:
    """Lay defaults, the model's author, and what was `stated` over one another, and check it."""
    stated = [_qualified(_split_path(layer, registry), registry) for layer in stated]
    subject = {part: (stated[0] | stated[1])[part] for part in ("model", "dataset")}
    settings = with_digest(merge(DEFAULTS | subject, *_authors(subject, registry), *stated))
    if settings.get("reset_head") and not settings.get("weights"):
        raise InvalidOption("reset_head goes with weights to start from: --weights RUN|FILE")
    entries = {
        part: registry.find(part, settings[part])
        for part in PARTS
        if part in settings and not settings[part].startswith(OBJECT)
    }
    plan = Plan(_with_rate(settings, entries), entries, note)
    return Plan({**plan.settings, **_checked(plan)}, entries, note)


def _authors(subject: Mapping[str, str], registry: Registry) -> list[dict[str, Any]]:
    """Return the defaults of the model's author: in general, then on this dataset."""
    if subject["model"].startswith(OBJECT):
        return []
    entry = registry.find("model", subject["model"])
    spec = entry.spec
    assert isinstance(spec, ModelSpec)
    names = (subject["dataset"], subject["dataset"].rpartition("/")[2])
    layers = [spec.recipe, *(recipe for name, recipe in spec.recipes.items() if name in names)]
    return [_qualified(_checked_keys(layer), registry, entry.plugin) for layer in layers]


def _split_path(settings: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Turn the dataset `folder:PATH` into `folder` and its option `path`."""
    text = settings.get("dataset", OBJECT)
    if text.startswith(OBJECT):
        return dict(settings)
    name, colon, path = text.partition(":")
    try:
        entry = registry.find("dataset", name)
    except UnknownName as error:
        if not user_path(text).exists():
            raise
        kind = "npz" if text.endswith(".npz") else "folder"
        raise UnknownName(
            f"no dataset named {text!r}; for your own data write --dataset {kind}:{text}"
        ) from error
    takes_path = any(option.name == "path" for option in options_of(entry.spec).options)
    if colon and not takes_path:
        raise InvalidOption(f"the dataset {entry.name} takes no path; write --dataset {name}")
    if takes_path and not (path or settings.get("dataset.path")):
        raise InvalidOption(f"the dataset {entry.name} needs a path: --dataset {name}:PATH")
    given = {"dataset.path": str(user_path(path).resolve())} if colon else {}
    return {**settings, "dataset": entry.name, **given}


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over one another, the last on top.

    Where a layer names another component for a part, the options that lower layers gave for
    the part are not for it: they go, and with another optimizer the learning rate.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for part in PARTS:
            if part in layer and layer[part] != merged.get(part):
                if part == "optimizer":
                    merged.pop("lr", None)
                merged = {k: v for k, v in merged.items() if not k.startswith(f"{part}.")}
        merged.update(layer)
    return merged


def _checked_keys(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Check that every key is one, and that components are named by text."""
    for key, value in layer.items():
        if check_key(key) in PARTS and not isinstance(value, str):
            raise InvalidOption(f"{key} is a name, not {value!r}")
    return dict(layer)


def _qualified(
    layer: Mapping[str, Any], registry: Registry, near: Plugin | None = None
) -> dict[str, Any]:
    """Replace the names of components by their qualified ones."""

    def qualified(key: str, value: Any) -> Any:
        if key not in PARTS or value.startswith(OBJECT):
            return value
        return registry.find(key, value, near).name

    return {key: qualified(key, value) for key, value in layer.items()}


def _with_rate(settings: dict[str, Any], entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Where nobody set a learning rate, take the optimizer's own default."""
    if "lr" in settings or "optimizer" not in entries:
        return settings
    signature = read_signature(entries["optimizer"].spec.address)
    default = next((option.default for option in signature.options if option.name == "lr"), None)
    return {**settings, "lr": default if isinstance(default, int | float) else 1e-3}


def _checked(plan: Plan) -> dict[str, Any]:
    """Check fields and options; return them converted."""
    checked = {
        key: check_field(key, value)
        for key, value in plan.settings.items()
        if "." not in key and key not in PARTS
    }
    for part in PARTS:
        options = plan.options(part)
        if part in plan.entries:
            entry = plan.entries[part]
            signature = options_of(entry.spec)
            filled = FILLED if part == "model" else ()
            options = check_options(entry.name, part, signature, options, filled=filled)
        elif options and part in plan.settings:
            raise InvalidOption(
                f"{part} was given as a Python object; it takes no {part}.* options"
            )
        checked |= {f"{part}.{name}": value for name, value in options.items()}
    options = check_options(
        AUGMENT, AUGMENT, read_signature(AUGMENT_ADDRESS), plan.options(AUGMENT)
    )
    return checked | {f"{AUGMENT}.{name}": value for name, value in options.items()}


def must_launch(settings: Mapping[str, Any]) -> bool:
    """Tell whether ranks must be started for a plan's settings: they are asked for, and missing.

    Raises:
        InvalidOption: several ranks for a training in one process.
    """
    parallel, ranks = settings["parallel"], settings["ranks"]
    if is_rank() or parallel in ("ddp", "fsdp"):
        return not is_rank()
    if ranks > 1 and parallel != "auto":
        raise InvalidOption(f"ranks={ranks} goes with --parallel ddp or fsdp, not {parallel}")
    return bool(ranks > 1)
