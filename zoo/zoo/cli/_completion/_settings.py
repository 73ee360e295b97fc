"""`--set KEY=VALUE`: fields of the recipe and options of its parts, and the values of some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from zoo._registry import registry
from zoo_registry import ZooError

from ._components import named
from ._items import Completer, Items, items

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import click

    from zoo_registry import Option, Spec

_FLAG = {"true": "", "false": ""}


def field(name: str) -> Completer:
    """Complete the value of a recipe's field that has one of a few."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        return items(_field_values(name), incomplete)

    return complete


def setting(*parts: str) -> Completer:
    """Complete `KEY=VALUE`; with `parts` only their options are keys, else all of a recipe's."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        key, equals, _ = incomplete.partition("=")
        typed = _typed(context)
        if equals:
            values = _values(key, typed)
            return items(((f"{key}={value}", about) for value, about in values), incomplete)
        part, dot, _ = key.partition(".")
        if dot:
            options = _options(part, typed) if _is_key(part, parts) else ()
            return items([f"{part}.{option.name}=" for option in options], incomplete)
        return items(_keys(parts), incomplete)

    return complete


def _typed(context: click.Context) -> Mapping[str, Any]:
    """Return what is typed already."""
    # A flag without its value, which is being typed, keeps click from telling the arguments apart.
    model = context.params.get("model") or next(iter(context.args), None)
    return {**context.params, "model": model}


def _keys(parts: tuple[str, ...]) -> list[str]:
    # Imported here, as below: the recipe's validator is not needed for other completions.
    from zoo.recipe import AUGMENT, FIELDS, PARTS

    fields = [] if parts else [f"{name}=" for name in FIELDS]
    return [*fields, *(f"{part}." for part in parts or (*PARTS, AUGMENT))]


def _is_key(part: str, parts: tuple[str, ...]) -> bool:
    return f"{part}." in _keys(parts)


def _values(key: str, typed: Mapping[str, Any]) -> list[tuple[str, str]]:
    from zoo.recipe import PARTS

    part, dot, name = key.partition(".")
    if dot:
        found = [o for o in _options(part, typed) if o.name == name]
        return [pair for option in found for pair in _option_values(option)]
    if key in PARTS:
        return [(item.value, item.help or "") for item in named((key,), "")]
    return [(value, "") for value in _field_values(key)]


def _option_values(option: Option) -> Iterator[tuple[str, str]]:
    for choice in option.choices:
        yield ("true" if choice is True else "false" if choice is False else str(choice)), ""
    if option.annotation == "bool":
        yield from _FLAG.items()


def _field_values(name: str) -> list[str]:
    from zoo.recipe import Recipe

    kind = get_type_hints(Recipe).get(name)
    return list(_FLAG) if kind is bool else [str(value) for value in get_args(kind)]


def _options(part: str, typed: Mapping[str, Any]) -> tuple[Option, ...]:
    """Return the options of a part as the source tells them; none where it can't."""
    from zoo.recipe import AUGMENT, AUGMENT_ADDRESS
    from zoo_registry import options_of, read_signature

    try:
        if part == AUGMENT:
            return read_signature(AUGMENT_ADDRESS, importing=False).options
        spec = _spec(part, typed)
        return options_of(spec, importing=False).options if spec else ()
    except ZooError:
        return ()


def _spec(part: str, typed: Mapping[str, Any]) -> Spec | None:
    """Find the component that a part will be: as typed, else the model's author's, else zoo's."""
    from zoo.recipe import DEFAULTS, parse_setting

    for text in typed.get("sets") or ():
        key, value = parse_setting(text)
        typed = {**typed, key: value}
    if typed.get(part):
        return registry().find(part, str(typed[part]).partition(":")[0]).spec
    if part == "model" or not typed.get("model"):
        name = DEFAULTS.get(part)
        return registry().find(part, name).spec if name else None
    model = registry().find("model", typed["model"])
    datasets = getattr(model.spec, "datasets", ())
    first = datasets[0] if part == "dataset" and datasets else None
    recipe: Mapping[str, Any] = getattr(model.spec, "recipe", {})
    name = recipe.get(part) or first or DEFAULTS.get(part)
    return registry().find(part, name, model.plugin).spec if name else None
