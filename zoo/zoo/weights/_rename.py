"""Taking the names that wrappers add out of the names of tensors, where they can be told.

Only where a name is all that is found at its place can it be a wrapper's; and `module` may just as
well be a child of the model's own, so that it stays unless it is outermost, or the model's own
names tell.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

Tree = dict[str, "Tree | str"]
"""Names taken apart at their dots; at the ends the whole names."""

_UNMISTAKABLE = ("_checkpoint_wrapped_module", "_fsdp_wrapped_module", "_orig_mod")
"""Children of torch's wrappers whose names no model gives to its own."""
_WRAPPERS = (*_UNMISTAKABLE, "module")
_COUNT = "n_averaged"
"""What `AveragedModel` keeps beside its child `module`."""
_DEEPEST = 100
"""Dots in a name; a name with more is no module's."""
_ATTRIBUTES = 3
"""How deep a model may be within what was saved, as in a Lightning module."""


class Renamed(NamedTuple):
    """What tensors are called once wrappers are gone."""

    names: dict[str, str]
    """Old name to new; a name that is left out is not the model's."""
    removed: tuple[str, ...]
    """What was taken away: `module.`, `encoder.module.`."""
    within: str = ""
    """The path at which the model was found, as `net.` of a Lightning module."""


def without_wrappers(names: Iterable[str]) -> Renamed:
    """Take away what can only be wrappers' names."""
    old = list(names)
    tree = _tree(old)
    if tree is None:
        return Renamed({name: name for name in old}, ())
    removed: list[str] = []
    pairs = dict(_stripped(tree, "", _WRAPPERS, removed, ""))
    return Renamed({name: pairs[name] for name in old if name in pairs}, tuple(removed))


def as_in_model(names: Iterable[str], model: Iterable[str]) -> list[Renamed]:
    """Find the model's names in others, wrappers taken away wherever it takes that.

    Args:
        names: as they were stored.
        model: the names of the model's own tensors.

    Returns:
        Every place at which exactly the model's names are found; the whole where that is one.
    """
    stored, own = _tree(names), _tree(model)
    if stored is None or own is None:
        return []
    if (found := _match(stored, own, "")) is not None:
        return [Renamed(*found)]
    return list(_within(stored, own, "", _ATTRIBUTES))


def _tree(names: Iterable[str]) -> Tree | None:
    """Take names apart; None where one name ends within another, or is nested beyond reason."""
    root: Tree = {}
    for name in names:
        *path, last = name.split(".")
        node = root
        for part in path:
            inner = node.setdefault(part, {})
            if isinstance(inner, str):
                return None
            node = inner
        if last in node or len(path) > _DEEPEST:
            return None
        node[last] = name
    return root


def _unwrapped(node: Tree, wrappers: tuple[str, ...]) -> tuple[str, Tree] | None:
    """Return the only child of what looks like a wrapper, and what it is called."""
    children = set(node)
    if children == {_COUNT, "module"} and isinstance(node[_COUNT], str) and "module" in wrappers:
        children = {"module"}
    if len(children) == 1 and (name := children.pop()) in wrappers:
        inner = node[name]
        return None if isinstance(inner, str) else (name, inner)
    return None


def _stripped(
    tree: Tree, new: str, wrappers: tuple[str, ...], removed: list[str], old: str
) -> Iterator[tuple[str, str]]:
    while found := _unwrapped(tree, wrappers):
        old = f"{old}{found[0]}."
        removed.append(old)
        tree = found[1]
    for name, inner in tree.items():
        if isinstance(inner, str):
            yield inner, new + name
        else:
            yield from _stripped(inner, f"{new}{name}.", _UNMISTAKABLE, removed, f"{old}{name}.")


def _match(
    stored: "Tree | str", own: "Tree | str", path: str
) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """Pair the names of two trees that are the same but for wrappers in the first."""
    if isinstance(stored, str) or isinstance(own, str):
        both = isinstance(stored, str) and isinstance(own, str)
        return ({str(stored): str(own)}, ()) if both else None
    # The outermost first: of `module.module`, where the model has one, the first is a wrapper's.
    if (unwrapped := _unwrapped(stored, _WRAPPERS)) is not None:
        place = f"{path}{unwrapped[0]}."
        if (inner_match := _match(unwrapped[1], own, place)) is not None:
            return inner_match[0], (place, *inner_match[1])
    if stored.keys() == own.keys():
        pairs: dict[str, str] = {}
        removed: tuple[str, ...] = ()
        for name, inner in own.items():
            found = _match(stored[name], inner, f"{path}{name}.")
            if found is None:
                break
            pairs |= found[0]
            removed += found[1]
        else:
            return pairs, removed
    return None


def _within(tree: Tree, own: Tree, path: str, depth: int) -> Iterator[Renamed]:
    """Yield each outermost place below `tree` that matches."""
    for name, inner in tree.items():
        if isinstance(inner, str) or not depth:
            continue
        place = f"{path}{name}."
        if (found := _match(inner, own, place)) is not None:
            yield Renamed(*found, within=place)
        else:
            yield from _within(inner, own, place, depth - 1)
