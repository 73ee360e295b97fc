"""Repositories that zoo did not write: which installed model their `config.json` speaks of.

A name in it is looked up among the plugins. Nothing in it is an address, and none is followed.
"""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from zoo_registry import AmbiguousName, Entry, ModelSpec, Registry, UnknownName, options_of

from .._options import check_options
from ..errors import IncompatibleWeights, NotOnHub
from ..recipe import DEFAULT_LOSSES
from ._config import TIMM
from ._manifest import WEIGHTS
from ._place import DEFAULT, Place

_LONGEST = 200
_OUR_WORDS = {"in_chans": "in_channels", "img_size": "image_size"}
"""timm's words for sizes, and what the plugins' models call them."""
_MODES = {"center": "shorter", "squash": "squash"}
"""timm's words for how an image is brought to a size, and zoo's."""
_USUAL = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""What timm normalises by where a configuration does not say."""
_TASK = "classification"
_INDEX = ".safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack", ".onnx")
_MOST_CLASSES = 1_000_000
_MOST = 2**28
"""Values of one sample: images are made as large as a configuration says."""


def why_no_weights(files: Collection[str]) -> str:
    """Say what a repository has instead of weights that can be read, and what to do."""
    parts = sorted(name for name in files if name.endswith(_INDEX))
    others = sorted(name for name in files if name.endswith(".safetensors"))
    pickles = sorted(name for name in files if name.endswith(_PICKLES))
    if parts:
        return (
            f"has its weights in several files, as {parts[0]} lists them, and zoo reads a single "
            f"{WEIGHTS}. Join them with the library that wrote them, and push that"
        )
    if others:
        return (
            f"has no {WEIGHTS}, but {', '.join(others[:3])}, of which it does not say what they "
            "are for; download what you want, and use zoo.load_weights(model, file)"
        )
    there_are = f", only {pickles[0]}, which is never read" if pickles else ""
    return f"has no {WEIGHTS}{there_are}. Ask its owner for safetensors."


def by_hand(place: Place) -> str:
    """Say how weights are used that zoo can't build the model of."""
    at = "" if place.revision == DEFAULT else f" --revision {place.revision}"
    return (
        f"`hf download {place.repo} {WEIGHTS}{at}` brings the weights; build the model yourself "
        "and use zoo.load_weights(model, file)."
    )


def card_for(config_json: bytes, place: Place, registry: Registry) -> dict[str, Any]:
    """Return the card of the weights beside a `config.json`, as `zoo.card.Card` reads it.

    Raises:
        NotOnHub: it names no architecture.
        AmbiguousName: several plugins offer it.
        UnknownName: no installed plugin offers it; the text says what to install, if it is known.
        IncompatibleWeights: the model is to be built in a way that the plugin's can't be.
    """
    config = _config(config_json, place)
    cfg = _timm_config(config)
    name = _text(config.get("model_id") or config.get("architecture") or "")
    if not name:
        raise NotOnHub(
            f"{place} has no manifest of zoo's, and its config.json names no architecture that "
            f"zoo could look up. {by_hand(place)}"
        )
    if cfg is not None and "model_id" not in config:
        name = f"{TIMM}/{name.partition('.')[0]}"
    try:
        entry = registry.find("model", name)
    except UnknownName as error:
        raise UnknownName(f"{place} is for {name}, which no plugin here offers: {error}") from error
    except AmbiguousName as error:
        raise AmbiguousName(
            f"{place} is for {name}, which several plugins here offer, and its config.json does "
            f"not say whose it is. {by_hand(place)}"
        ) from error
    num_classes = _num_classes(cfg or config, place)
    options = _options(config, cfg, entry, place)
    names = (cfg or config).get("label_names", (cfg or {}).get("labels"))
    if not (isinstance(names, list) and len(names) == num_classes):
        names = []
    return {
        "model": entry.name,
        "options": options,
        "plugin": entry.plugin.name,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        "task": _TASK,
        "input": None if cfg is None else _input(cfg, options),
        "num_classes": num_classes,
        "classes": [_text(name) for name in names],
        "dataset": "",
        "dataset_options": {},
        "loss": DEFAULT_LOSSES[_TASK],
        "loss_options": {},
        "metrics": {},
    }


def _config(config_json: bytes, place: Place) -> dict[str, Any]:
    try:
        config = json.loads(config_json, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotOnHub(f"the config.json of {place} can't be read: {error}") from error
    if not isinstance(config, dict):
        raise NotOnHub(f"the config.json of {place} is no table")
    return config


def _num_classes(config: Mapping[str, Any], place: Place) -> int:
    found = config.get("num_classes") or 0
    if type(found) is not int or not 0 <= found <= _MOST_CLASSES:
        raise IncompatibleWeights(
            f"the config.json of {place} has {_text(found)[:80]!r} as its number of classes. "
            f"{by_hand(place)}"
        )
    return found


def _text(value: Any) -> str:
    """Return what may be shown of a value where a name should be."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:_LONGEST])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _timm_config(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return timm's part of it, which older ones have on the first level; None: there is none."""
    cfg = config.get("pretrained_cfg")
    if isinstance(cfg, dict):
        return {**cfg, **{k: config[k] for k in ("num_classes", "label_names") if k in config}}
    return config if "architecture" in config and "input_size" in config else None


def _options(
    config: Mapping[str, Any], cfg: Mapping[str, Any] | None, entry: Entry, place: Place
) -> dict[str, Any]:
    """Return the options that build the model, checked as a user's are."""
    signature = options_of(entry.spec)
    # Which weights training would start from is no matter to those that come with it.
    initial = entry.spec.initial if isinstance(entry.spec, ModelSpec) else ()
    known = {option.name for option in signature.options}
    if cfg is None:
        options = {key: value for key, value in config.items() if key in known}
    else:
        options = _sizes(cfg)
        extra = config.get("model_args")
        for key, value in (extra if isinstance(extra, dict) else {}).items():
            if (name := _OUR_WORDS.get(key, key)) not in known:
                raise IncompatibleWeights(
                    f"{place} is to be built with {str(key)[:80]}, and {entry.name} has no such "
                    f"option. {by_hand(place)}"
                )
            options[name] = value
        options = {key: value for key, value in options.items() if key in known}
    options = {key: value for key, value in options.items() if key not in initial}
    return check_options(entry.name, "model", signature, options)


def _sizes(cfg: Mapping[str, Any]) -> dict[str, Any]:
    sizes: dict[str, Any] = {}
    if "num_classes" in cfg:
        sizes["num_classes"] = cfg["num_classes"] or 0
    shape = _shape(cfg)
    if shape:
        channels, height, width = shape
        sizes["in_channels"] = channels
        sizes["image_size"] = height if height == width else (height, width)
    return sizes


def _input(cfg: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how samples are prepared; None where that is not said, or not as zoo can."""
    shape, resize = _shape(cfg), _resize(cfg)
    if shape is None or resize is None:
        return None
    channels = options.get("in_channels", shape[0])
    found = {"shape": [channels, *shape[1:]], "dtype": "uint8", "resize": resize}
    for name, usual in _USUAL.items():
        values = cfg.get(name) or usual
        if not isinstance(values, list) or len(values) not in (1, channels):
            return None
        if not all(type(v) in (int, float) and 0 <= v < math.inf for v in values):
            return None
        if name == "std" and 0 in values:
            return None
        found[name] = values
    return found


def _resize(cfg: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how timm brings an image to the model's size; None where zoo can't."""
    mode = _MODES.get(str(cfg.get("crop_mode") or "center"))
    kernel, share = cfg.get("interpolation") or "bicubic", cfg.get("crop_pct") or 0.875
    is_share = type(share) in (int, float) and 0.01 <= share <= 1
    if mode is None or kernel not in ("bilinear", "bicubic") or not is_share:
        return None
    return {"mode": mode, "filter": kernel, "share": share}


def _shape(cfg: Mapping[str, Any]) -> tuple[int, int, int] | None:
    shape = cfg.get("input_size")
    if not isinstance(shape, list) or len(shape) != 3:
        return None
    if not all(type(n) is int and n > 0 for n in shape) or math.prod(shape) > _MOST:
        return None
    return shape[0], shape[1], shape[2]
