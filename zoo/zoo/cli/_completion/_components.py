"""Names of what plugins offer: as short as they are unique, or with the plugin's."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from zoo._registry import registry
from zoo_registry import SpecError

from ._items import Completer, Items, items
from ._paths import beside, paths

if TYPE_CHECKING:
    from zoo_registry import Entry, Spec


def component(*kinds: str, files: tuple[str, ...] = ()) -> Completer:
    """Complete the name of a component.

    Args:
        kinds: of spec; none: all.
        files: suffixes of files that may be named instead.
    """

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        return beside(named(kinds, incomplete), incomplete, files)

    return complete


def dataset(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a dataset, or the path behind `folder:`."""
    name, colon, path = incomplete.partition(":")
    if colon:
        return paths(path, prefix=f"{name}:")
    return items(
        (f"{name}:", "") if _takes_path(spec) else (name, about)
        for name, about, spec in _matching(("dataset",), incomplete)
    )


def plugin(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a plugin."""
    return items(sorted((found.name, found.origin) for found in registry().plugins), incomplete)


def task(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a task that something is for."""
    return items(sorted({task for e in registry().entries for task in e.spec.tasks}), incomplete)


def named(kinds: Iterable[str], incomplete: str) -> Items:
    """Return items for the names of components that begin with `incomplete`."""
    return items((name, about) for name, about, _ in _matching(kinds, incomplete))


def option_names(spec: "Spec") -> list[tuple[str, str]]:
    """Return a component's options with their annotations, as far as its source tells them."""
    # Imported here: other completions need no signatures.
    from zoo_registry import options_of

    try:
        signature = options_of(spec, importing=False)
    except SpecError:
        return []
    return [(option.name, option.annotation) for option in signature.options]


def _matching(kinds: Iterable[str], incomplete: str) -> list[tuple[str, str, "Spec"]]:
    """Return names, summaries and specs; with the plugin's name where one is typed, or needed."""
    wanted = tuple(kinds)
    entries = [e for e in registry().entries if not wanted or e.spec.kind in wanted]
    if "/" not in incomplete and (found := _bare(entries, incomplete)):
        return found
    return [(e.name, e.spec.summary, e.spec) for e in entries if e.name.startswith(incomplete)]


def _bare(entries: list["Entry"], incomplete: str) -> list[tuple[str, str, "Spec"]]:
    begun = [entry for entry in entries if entry.spec.name.startswith(incomplete)]
    offers = Counter(entry.spec.name for entry in begun)
    return sorted(
        (
            (e.spec.name if offers[e.spec.name] == 1 else e.name, e.spec.summary, e.spec)
            for e in begun
        ),
        key=lambda found: found[0],
    )


def _takes_path(spec: "Spec") -> bool:
    """Say whether a dataset is a user's own data, for which a path must follow."""
    if getattr(spec, "files", ()) or getattr(spec, "urls", ()):  # spares reading the source of most
        return False
    return any(name == "path" for name, _ in option_names(spec))
