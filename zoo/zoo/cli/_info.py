"""`zoo info`: one spec, its options and where it comes from; or a weights file."""

from typing import Any

import click

from zoo._registry import registry
from zoo.reporting import print_json
from zoo_registry import (
    AmbiguousName,
    DatasetSpec,
    Entry,
    ModelSpec,
    Option,
    TrackerSpec,
    UnknownName,
    kinds,
    nearest,
    options_of,
)

from ._completion import WEIGHTS, component
from ._info_file import is_file_name, show_file, told_otherwise
from ._list import describe
from ._output import json_option, print_table


@click.command("info")
@click.argument("name", metavar="NAME|FILE", shell_complete=component(files=WEIGHTS))
@click.option("--kind", type=click.Choice(kinds()), help="Where several kinds share a name.")
@json_option
def info(name: str, kind: str | None, as_json: bool) -> None:
    """Show the options of NAME with their types and defaults, and its plugin.

    Of a .safetensors file, or hf:USER/REPO[@REV] on a hub: its model, its tensors, and whether it
    is as it was written.
    """
    if is_file_name(name):
        show_file(name, as_json=as_json)
        return
    entry = _find(name, kind)
    signature = options_of(entry.spec)
    facts: dict[str, Any] = {**describe(entry), "build": entry.spec.address}
    if isinstance(entry.spec, ModelSpec):
        facts |= {
            "datasets": list(entry.spec.datasets),
            "recipe": dict(entry.spec.recipe),
            "recipes": {name: dict(recipe) for name, recipe in entry.spec.recipes.items()},
        }
    if isinstance(entry.spec, DatasetSpec):
        facts |= {"files": list(entry.spec.files), "urls": list(entry.spec.urls)}
    if as_json:
        options = [_as_json(option) for option in signature.options]
        print_json({**facts, "options": options, "other_options": signature.accepts_any}, indent=2)
        return
    for key, value in facts.items():
        if value:
            click.echo(f"{key:<13} {_text(value)}")
    if signature.options:
        click.echo(f"\nOptions, set with --set {_prefix(entry)}.NAME=VALUE:")
        rows = [(f"  {o.name}", o.annotation, _default(o)) for o in signature.options]
        print_table(rows, ("  NAME", "TYPE", "DEFAULT"))


def _prefix(entry: Entry) -> str:
    """Return what stands before the dot of an option; of trackers a training may have several."""
    return f"track.{entry.spec.name}" if isinstance(entry.spec, TrackerSpec) else entry.spec.kind


def _find(name: str, kind: str | None) -> Entry:
    """Find a name among all kinds, or one."""
    if kind is not None:
        return registry().find(kind, name)
    found = [e for e in registry().entries if name in (e.name, e.spec.name)]
    if len(found) == 1:
        return found[0]
    if found:
        owners = ", ".join(f"{e.spec.kind} {e.name} ({e.plugin.origin})" for e in found)
        raise AmbiguousName(f"{name!r} names several things: {owners}; add --kind or the plugin")
    if advice := registry().hint(name):
        raise UnknownName(f"nothing is named {name!r}: {advice}")
    if other := told_otherwise(name):
        raise UnknownName(other)
    if any(plugin.name == name for plugin in registry().plugins):
        raise UnknownName(
            f"{name} is a plugin; `zoo list '*' --plugin {name}` shows what it offers"
        )
    close = nearest(name, [n for e in registry().entries for n in (e.spec.name, e.name)])
    hint = f"; closest: {', '.join(close)}" if close else ""
    raise UnknownName(f"nothing is named {name!r}{hint}. `zoo list '*'` shows all.")


def _default(option: Option) -> str:
    return "required" if option.required else repr(option.default)


def _as_json(option: Option) -> dict[str, Any]:
    default = option.default
    plain = isinstance(default, bool | int | float | str | tuple | list | dict | None)
    return {
        "name": option.name,
        "type": option.annotation,
        "required": option.required,
        "default": None if option.required else default if plain else str(default),
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
