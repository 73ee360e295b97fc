"""Any program's weights into portable ones, and where the model is known, with a card."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import Entry, Registry, options_of

from ._files import SavedFile
from ._options import check_options
from ._weight_files import CARD, SAFETENSORS, check_suffix, read_metadata
from .card import Card, make_foreign_card, read_card
from .data import DataFacts, describe
from .errors import IncompatibleWeights
from .recipe import plan_dataset
from .training import build_empty, load_splits
from .weights import (
    Foreign,
    canonical_state_dict,
    classes_in,
    read_foreign,
    require_fit,
    save_weights,
)

_CLASSES = "num_classes"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The zoo's model that weights are for, and what it was trained on."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """That the user set."""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    """`dataset` and its dotted options; empty where nobody said what it was trained on."""
    root: Path | None = None
    """The folder handed to datasets."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What was made of a file."""

    foreign: Foreign
    saved: SavedFile
    card: Card | None
    """None where it is not known which model they are for."""
    notes: tuple[str, ...]
    """What a user should know, a line each."""


def convert(
    source: Path,
    out: Path,
    registry: Registry,
    *,
    part: str | None = None,
    target: Target | None = None,
    keep_names: bool = False,
    told: Mapping[str, str] | None = None,
) -> Conversion:
    """Write the weights in `source` as portable ones.

    Args:
        source: whatever torch.save wrote, or a safetensors file.
        out: ends in `.safetensors`, or in `.pth` or `.pt`.
        registry: the installed plugins.
        part: which of several weights in the file; see `choose_part`.
        target: the model that they are for; they must then fit it, every one of them.
        keep_names: whether names that a wrapper may have added stay.
        told: metadata of weights that say nothing of themselves; None where they do.

    Raises:
        UsageError: a wrong name or option; several weights that could be meant.
        ZooError: the file is damaged, needs code to be read, or does not fit the model.
    """
    check_suffix(out)
    if target is None:
        foreign = read_foreign(source, part=part, keep_names=keep_names)
        card, unread = _own_card(source, told, foreign)
        saved = save_weights(foreign.tensors, out, metadata=_metadata(card, out))
        said = (*_notes(foreign), *unread)
        return Conversion(foreign=foreign, saved=saved, card=card, notes=said)
    entry = registry.find("model", target.model)
    facts, named = _facts(target, entry, registry)
    net, options = _build(entry, target.options, facts)
    names = list(canonical_state_dict(net))
    foreign = read_foreign(source, part=part, model=names, keep_names=keep_names)
    notes = [*_notes(foreign), *_missing(out, facts)]
    if facts is None and _CLASSES not in target.options and (found := classes_in(net, foreign)):
        net, options = _build(entry, {**options, _CLASSES: found}, facts)
        notes.append(f"{_CLASSES}={found}, as the file has it")
    require_fit(net, foreign)
    card = make_foreign_card(entry, options, facts, *named)
    saved = save_weights(_in_order(foreign, names), out, metadata=_metadata(card, out))
    return Conversion(foreign=foreign, saved=saved, card=card, notes=tuple(notes))


def _own_card(
    source: Path, told: Mapping[str, str] | None, foreign: Foreign
) -> tuple[Card | None, tuple[str, ...]]:
    """Return the card that weights have already, and a note where it can't be read.

    There is none where they have none, or become others.
    """
    if source.suffix != SAFETENSORS or foreign.removed or foreign.left_out:
        return None, ()
    metadata = told or read_metadata(source)
    if CARD not in metadata:
        return None, ()
    try:
        return read_card(metadata, source), ()
    except IncompatibleWeights as error:  # another program's, under the same key, or a newer zoo's
        return None, (f"{error}; it is left out, and --model NAME would write another",)


def _metadata(card: Card | None, out: Path) -> dict[str, str] | None:
    return card.to_metadata() if card and out.suffix == SAFETENSORS else None


def _facts(
    target: Target, entry: Entry, registry: Registry
) -> tuple[DataFacts | None, tuple[str, dict[str, Any]]]:
    """Describe the dataset, and name it with its options; the model's must be right by now."""
    options = _checked(entry, target.options)
    if not target.dataset:
        return None, ("", {})
    plan = plan_dataset(target.dataset, registry, options)
    streamed = replace(plan, settings={**plan.settings, "cache": "none"})  # to describe it only
    splits = load_splits(streamed, None, target.root, lambda _: None)
    named = plan.settings["dataset"], plan.options("dataset")
    return describe(splits, training=False), named


def _checked(entry: Entry, options: Mapping[str, Any]) -> dict[str, Any]:
    signature = options_of(entry.spec)
    return check_options(entry.name, "model", signature, options, filled=(_CLASSES,))


def _build(
    entry: Entry, asked: Mapping[str, Any], facts: DataFacts | None
) -> tuple[nn.Module, dict[str, Any]]:
    """Build the model, with the sizes that the data have where the user set none.

    Where it must be told a number of classes and nobody has, it is built for any.
    """
    sizes = {} if facts is None else {_CLASSES: facts.num_classes, **facts.input.sizes()}
    options = _checked(entry, asked)
    for option in options_of(entry.spec).options:
        if option.name in sizes:
            options.setdefault(option.name, sizes[option.name])
        elif option.name == _CLASSES and option.required:
            options.setdefault(_CLASSES, 2)
    with torch.random.fork_rng(devices=[]):
        return build_empty(entry, **options), options


def _in_order(foreign: Foreign, names: list[str]) -> Mapping[str, Any]:
    """Return the state_dict in the model's order."""
    state = foreign.tensors
    for name in names:
        if name in state:
            state.move_to_end(name)
    return state


def _notes(foreign: Foreign) -> tuple[str, ...]:
    notes = []
    if foreign.others:
        notes.append(
            f"took {foreign.part}, which is averaged over the training; --part "
            f"{foreign.others[0]} takes the weights of its end"
        )
    elif foreign.part:
        notes.append(f"took {foreign.part}")
    if foreign.removed:
        notes.append(f"took {_few(foreign.removed)} out of the names")
    if foreign.left_out:
        notes.append(f"left out {_few(foreign.left_out)}")
    return tuple(notes)


def _missing(out: Path, facts: DataFacts | None) -> tuple[str, ...]:
    if out.suffix != SAFETENSORS:
        return (f"only {SAFETENSORS} files say which model they are for; {out.name} does not",)
    if facts is None:
        return (
            "without --dataset, the file does not say how inputs are prepared: zoo.load_model "
            "builds the model, zoo predict can't feed it",
        )
    return ()


def _few(names: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
