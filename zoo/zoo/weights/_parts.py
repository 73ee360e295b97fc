"""Where in a checkpoint its weights are: programs put them under names of their own."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ..errors import IncompatibleWeights, UsageError
from ._canonical import set_versions
from ._contents import versions_in
from ._report import some

Items = Mapping[Any, Any]

_AVERAGED = ("ema", "ema_model", "ema_state_dict", "model_ema", "params_ema", "state_dict_ema")
"""Names under which programs store weights averaged over the training, which they then measure."""
_PLAIN = (
    "model",
    "model_state_dict",
    "module",
    "net",
    "network",
    "params",
    "state_dict",
    "weights",
)
_DEPTH = 4
"""Tables within tables that are looked into."""


class Part(NamedTuple):
    """One state_dict of a file."""

    name: str
    """The names that lead to it, dots between them; empty where the file is nothing else."""
    items: Items
    others: tuple[str, ...]
    """What else could have been taken."""


def choose_part(path: Path, value: Any, asked: str | None) -> Part:
    """Choose the weights among what a file holds.

    Of averaged weights and others the averaged are taken: they are those that were measured.

    Args:
        path: the file, for messages.
        value: what was read from it.
        asked: the part's name, which may go on into the names of its tensors: `state_dict.net`
            is what `state_dict` holds under names that begin with `net.`. None: choose.

    Raises:
        UsageError: there is no such part, or several could be meant; the text names them.
        IncompatibleWeights: there are no weights.
    """
    if not isinstance(value, Mapping):
        raise IncompatibleWeights(f"{path} holds {_kind(value)}, no tensors by name.")
    found = dict(_known(value)) or ({"": value} if _has_tensors(value) else dict(_any(value)))
    if asked is not None:
        items = _below(value, asked)
        if items is None:
            raise UsageError(f"{path} has no weights called {asked!r}{_listed(found)}.")
        return Part(asked, items, ())
    averaged = [name for name in found if set(name.split(".")) & set(_AVERAGED)]
    chosen = averaged or list(found)
    if len(chosen) > 1:
        raise UsageError(f"{path} holds several weights; choose one with --part{_listed(found)}.")
    if not chosen:
        names = some(repr(str(name)[:80]) for name in value)
        raise IncompatibleWeights(f"{path} holds no tensors by name, but {names or 'nothing'}.")
    others = tuple(name for name in found if name not in chosen)
    return Part(chosen[0], found[chosen[0]], others)


def _known(value: Items, depth: int = _DEPTH) -> Iterator[tuple[str, Items]]:
    """Yield what is found by going down names that programs use for weights."""
    for name, inner in value.items():
        if name in (*_AVERAGED, *_PLAIN) and isinstance(inner, Mapping) and depth:
            deeper = list(_known(inner, depth - 1))
            yield from ((f"{name}.{below}", items) for below, items in deeper)
            if not deeper and _has_tensors(inner):
                yield name, inner


def _any(value: Items, depth: int = _DEPTH) -> Iterator[tuple[str, Items]]:
    """Yield every table of tensors but those of optimizers."""
    for name, inner in value.items():
        if isinstance(name, str) and isinstance(inner, Mapping) and "param_groups" not in inner:
            if _has_tensors(inner):
                yield name, inner
            elif depth:
                yield from ((f"{name}.{below}", it) for below, it in _any(inner, depth - 1))


def _below(value: Items, name: str) -> Items | None:
    """Follow a name with dots, down tables as far as they go, then in the tensors' own names."""
    if not name:
        return value if _has_tensors(value) else None
    ends = [len(name), *(i for i in range(len(name) - 1, 0, -1) if name[i] == ".")]
    for end in ends:
        if isinstance(inner := value.get(name[:end]), Mapping):
            return _below(inner, name[end + 1 :])
    start = f"{name}."
    below = {k: v for k, v in value.items() if isinstance(k, str) and k.startswith(start)}
    return without_start(value, below, start) if _has_tensors(below) else None


def without_start(value: Items, below: Items, start: str) -> Items:
    """Return those items of `value`, whose names have that start, without it."""
    items = OrderedDict((name.removeprefix(start), item) for name, item in below.items())
    versions = versions_in(getattr(value, "_metadata", None)) or {}
    known = {path: {"version": version} for path, version in versions.items()}
    inner = {
        f"{path}.".removeprefix(start)[:-1]: facts
        for path, facts in known.items()
        if f"{path}.".startswith(start)
    }
    set_versions(items, inner)
    return items


def _has_tensors(value: Items) -> bool:
    return any(isinstance(k, str) and isinstance(item, Tensor) for k, item in value.items())


def _listed(found: Mapping[str, object]) -> str:
    names = [name or "." for name in found]
    return f"; there are: {some(names, 8)}" if names else ""


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
