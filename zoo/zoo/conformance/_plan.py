"""Which checks there are for which kind of thing, by address: planning imports none of them."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from zoo_registry import Entry, Registry, UnknownName, nearest

from ._check import Check, Subject

CHECKS: dict[str, tuple[tuple[str, str], ...]] = {
    "plugin": (
        ("loads without a fault", "_plugin:loads"),
        ("keeps to itself", "_plugin:keeps_to_itself"),
        ("imports nothing heavy", "_plugin:imports_nothing_heavy"),
        ("its metadata are complete", "_plugin:metadata_are_complete"),
    ),
    "model": (
        ("builds at its defaults", "_model_builds:at_defaults"),
        ("builds at varied options", "_model_builds:at_varied_options"),
        ("the same seed gives the same weights", "_model_builds:same_seed"),
        ("takes its declared data", "_model_runs:declared_data"),
        ("takes batches of any size", "_model_runs:any_size"),
        ("every parameter gets a gradient", "_model_runs:gradients"),
        ("hides no modules in plain containers", "_model_parts:none_hidden"),
        ("tied weights are one", "_model_parts:ties"),
        ("names its weights alike however it is wrapped", "_model_parts:names"),
        ("its weights survive .safetensors", "_model_weights:safetensors"),
        ("its weights survive .pth", "_model_weights:pth"),
        ("its head can be swapped", "_model_weights:other_head"),
    ),
    "dataset": (
        ("builds its splits", "_dataset:builds"),
        ("builds at varied options", "_dataset:at_varied_options"),
        ("its items are of one kind", "_dataset:items"),
        ("its labels are in range", "_dataset:labels"),
        ("its batches are its items", "_dataset:batches"),
        ("is the same every time", "_dataset:same_every_time"),
        ("its splits do not overlap", "_dataset:splits"),
    ),
    "optimizer": (
        ("lowers a convex loss", "_optimizer:lowers_a_loss"),
        ("builds at varied options", "_optimizer:at_varied_options"),
        ("goes on from its state_dict", "_optimizer:goes_on"),
        ("each group has its rate", "_optimizer:groups"),
    ),
    "scheduler": (
        ("its rates are finite and positive", "_scheduler:rates"),
        ("builds at varied options", "_scheduler:at_varied_options"),
        ("goes on from its state_dict", "_scheduler:goes_on"),
    ),
    "loss": (
        ("is a finite number", "_loss:is_finite"),
        ("builds at varied options", "_loss:at_varied_options"),
        ("is a mean over the batch", "_loss:is_mean"),
        ("has gradients", "_loss:has_gradients"),
    ),
    "tracker": (("its builder can be called", "_plugin:can_be_called"),),
}
"""By kind, what holds if a check passes, and the function of this package that tries it."""


def plan_checks(
    registry: Registry, name: str, patterns: Sequence[str] = (), *, data_root: Path | None = None
) -> list[Check]:
    """Return the checks of a plugin, in the order in which they are tried.

    Args:
        registry: everything that is installed.
        name: the plugin's.
        patterns: shell wildcards over bare or qualified names of its specs; none: all of them.
        data_root: the folder handed to datasets; None: the zoo's own.

    Raises:
        UnknownName: no such plugin is installed, or none of its specs matches.
    """
    found = [plugin for plugin in registry.plugins if plugin.name == name]
    if not found:
        raise UnknownName(_unknown(registry, name))
    checks = []
    if not patterns:
        checks += _checks("plugin", Subject(registry, found[0], None, data_root))
    for entry in _entries(registry, name, patterns):
        subject = Subject(registry, entry.plugin, entry, data_root)
        checks += _checks(entry.spec.kind, subject)
    return checks


def _checks(kind: str, subject: Subject) -> list[Check]:
    return [
        Check(subject, kind, title, f"{__package__}.{address}")
        for title, address in CHECKS.get(kind, ())
    ]


def _entries(registry: Registry, name: str, patterns: Sequence[str]) -> list[Entry]:
    """Return the plugin's entries, those of a kind together."""
    own = [entry for entry in registry.entries if entry.plugin.name == name]
    entries = sorted(own, key=lambda entry: list(CHECKS).index(entry.spec.kind))
    if not patterns:
        return entries
    chosen = [
        entry
        for entry in entries
        if any(fnmatchcase(n, p) for n in (entry.name, entry.spec.name) for p in patterns)
    ]
    if not chosen:
        raise UnknownName(
            f"nothing that {name} offers matches {' '.join(patterns)}; "
            f"`zoo list '*' --plugin {name}` shows all {len(entries)}"
        )
    return chosen


def _unknown(registry: Registry, name: str) -> str:
    its = [plugin.name for plugin in registry.plugins if plugin.distribution == name]
    if its:
        return f"{name} is a distribution; its plugin{'s' * (len(its) > 1)}: {', '.join(its)}"
    names = sorted({plugin.name for plugin in registry.plugins})
    close = nearest(name, names)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names) or 'none'}"
    return f"no plugin named {name!r} is installed; {hint}"
