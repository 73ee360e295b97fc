"""`config.json`: what other programs build the model from.

Its first level holds the model's options, which `PyTorchModelHubMixin` hands to the class that
loads it; `architecture`, `num_classes` and `pretrained_cfg` are read by timm, for its own.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from zoo_registry import ZooError, resolve

from .._json import to_json
from ._subject import Subject

TIMM = "timm"
"""The library, and the plugin, whose architectures have a `pretrained_cfg`."""
_TIMMS_WORDS = ("drop_path_rate", "drop_rate", "global_pool")
"""Options that timm's functions take by the same name."""


def is_timms(subject: Subject) -> bool:
    """Say whether the architecture is timm's own."""
    return subject.model.startswith(f"{TIMM}/")


def write_config(subject: Subject) -> str:
    """Return the text of `config.json`."""
    card, spec = subject.card, subject.spec
    architecture = spec.arguments.get("architecture") if spec else None
    config: dict[str, Any] = {
        "architecture": architecture or subject.bare_name,
        "num_classes": card["num_classes"],
        "zoo_version": subject.run.record.get("zoo_version") or version("zoo-registry"),
    }
    if not subject.is_own_module:
        config["model_id"] = subject.model
    if card.get("classes"):
        config["label_names"] = list(card["classes"])
    if is_timms(subject):
        config["pretrained_cfg"] = _pretrained_cfg(subject)
        given = {name: subject.options.get(name) for name in _TIMMS_WORDS}
        if given := {name: value for name, value in given.items() if value is not None}:
            config["model_args"] = given
    config |= subject.options  # a class that is built from it has its own words, whatever they are
    return to_json(dict(sorted(config.items())), indent=2) + "\n"


def _pretrained_cfg(subject: Subject) -> dict[str, Any]:
    """Return what timm needs to prepare samples, and to take the head off for other classes."""
    given = subject.card.get("input") or {}
    shape = list(given.get("shape") or ())
    cfg: dict[str, Any] = {
        "architecture": subject.bare_name,
        "num_classes": subject.card["num_classes"],
        "custom_load": False,
    }
    if len(shape) == 3:
        cfg |= {"input_size": shape, "fixed_input_size": _has_fixed_size(subject)}
        cfg |= _cutting(given.get("resize") or {})
        for name, neutral in (("mean", 0.0), ("std", 1.0)):  # left out, timm takes its own
            cfg[name] = list(given.get(name) or [neutral] * shape[0])
    if head := _only(subject.shapes, ".weight", lambda s: len(s) == 2 and s[0] == _classes(cfg)):
        cfg["classifier"] = head
    if len(shape) == 3 and shape[0] > 1:
        stem = _only(subject.shapes, ".weight", lambda s: len(s) == 4 and s[1] == shape[0])
        cfg |= {"first_conv": stem} if stem else {}
    return cfg


def _cutting(resize: Mapping[str, Any]) -> dict[str, Any]:
    """Return in timm's words how an image is brought to the size; zoo's defaults are not timm's."""
    return {
        "crop_mode": "squash" if resize.get("mode") == "squash" else "center",
        "crop_pct": resize.get("share", 1.0),
        "interpolation": resize.get("filter", "bilinear"),
    }


def _classes(cfg: Mapping[str, Any]) -> int:
    return int(cfg["num_classes"])


def _only(shapes: Mapping[str, tuple[int, ...]], end: str, fits: Any) -> str:
    """Return the module whose weight is the only one of a shape; empty where several are."""
    found = [name for name, shape in shapes.items() if name.endswith(end) and fits(shape)]
    return found[0].removesuffix(end) if len(found) == 1 else ""


def _has_fixed_size(subject: Subject) -> bool:
    """Say whether the architecture is made for one size: then it expects its samples so."""
    spec = subject.spec
    if spec is None or not spec.expects:
        return False
    try:
        return "image_size" in resolve(spec.expects)(**spec.arguments)
    except (ZooError, ImportError):
        return False
