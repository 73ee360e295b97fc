"""Discovery: every plugin is loaded on its own, and a broken one harms nobody.

pluggy's own `load_setuptools_entrypoints` imports in one sweep, stops at the first plugin that
raises and drops a second entry point of the same name in silence; hence the walk here.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pluggy

from . import _hookspecs
from ._address import resolve
from ._errors import SpecError
from ._installed import EntryPoint, entry_points
from ._markers import PROJECT
from ._nearest import nearest
from ._specs import Spec

KINDS = {
    "model": "zoo_models",
    "dataset": "zoo_datasets",
    "optimizer": "zoo_optimizers",
    "loss": "zoo_losses",
    "scheduler": "zoo_schedulers",
}
"""Each kind of spec and the hook that offers it."""


@dataclass
class Plugin:
    """One entry point: where it comes from, what loading it cost, what is wrong with it."""

    name: str
    module: str
    distribution: str
    version: str
    import_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    """One line each; empty when all is well."""

    @property
    def origin(self) -> str:
        """`distribution version`, as messages name it."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Entry:
    """A spec and the plugin that offers it."""

    spec: Spec
    plugin: Plugin

    @property
    def name(self) -> str:
        """The qualified name, `<plugin>/<name>`."""
        return f"{self.plugin.name}/{self.spec.name}"


@dataclass
class Found:
    """What one walk over the entry points brought."""

    manager: pluggy.PluginManager
    plugins: list[Plugin]
    entries: list[Entry]
    modules: dict[int, Plugin]
    """The plugin behind each registered module, by the module's id."""


def selected() -> list[str] | None:
    """Names in `ZOO_PLUGINS`, comma-separated; None when it is unset: all."""
    names = os.environ.get("ZOO_PLUGINS")
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def discover(only: Collection[str] | None = None) -> Found:
    """Load every installed plugin, or those named in `only`, each on its own."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(_hookspecs)
    found = Found(manager, [], [], {})
    for point in entry_points(PROJECT):
        if only is None or point.name in only:
            plugin = Plugin(point.name, point.value, point.distribution, point.version)
            found.plugins.append(plugin)
            _load(point, plugin, found)
    _name_clashes(found.plugins)
    return found


def _load(point: EntryPoint, plugin: Plugin, found: Found) -> None:
    started = time.perf_counter()
    module, fault = attempt(_import, point.value)
    plugin.import_seconds = time.perf_counter() - started
    if fault is None:
        name = f"{point.name} of {point.distribution}"
        _, fault = attempt(found.manager.register, module, name)
    if fault is not None:
        plugin.faults.append(fault)
        return
    found.modules[id(module)] = plugin
    plugin.faults += _misspelt(found.manager, module)
    for kind, hook in KINDS.items():
        specs, fault = attempt(_offered, found.manager, module, kind, hook)
        if fault is None:
            found.entries += [Entry(spec, plugin) for spec in specs]
        else:
            plugin.faults.append(f"{hook}: {fault}")


def attempt(action: Callable[..., Any], *args: Any) -> tuple[Any, str | None]:
    """Call a plugin's code: return its result and None, or None and its fault in one line.

    What it prints goes to stderr: stdout may be JSON for a program.
    """
    try:
        with redirect_stdout(sys.stderr):
            return action(*args), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, SystemExit too
        text = " ".join(str(error).split())
        return None, f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__


def _import(value: str) -> Any:
    return resolve(value) if ":" in value else importlib.import_module(value)


def _misspelt(manager: pluggy.PluginManager, module: ModuleType) -> Iterator[str]:
    """Find hooks that do not exist, and hooks whose mark was forgotten."""
    known = [name for name in vars(_hookspecs) if name.startswith("zoo_")]
    hooked = {caller.name: caller for caller in manager.get_hookcallers(module) or []}
    for name, caller in hooked.items():
        if not caller.has_spec():
            close = "".join(f"; did you mean {hook}?" for hook in nearest(name, known)[:1])
            yield f"there is no hook {name}{close}"
    for name in known:
        if callable(getattr(module, name, None)) and name not in hooked:
            yield f"{name} lacks @hookimpl"


def _offered(manager: pluggy.PluginManager, module: ModuleType, kind: str, hook: str) -> list[Spec]:
    offered: list[Spec] = []
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin is module:
            result: Any = implementation.function()
            offered += _checked(result, kind)
    names = [spec.name for spec in offered]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"two {kind}s are named {name!r}")
    return offered


def _checked(result: Any, kind: str) -> Iterable[Spec]:
    if not isinstance(result, Iterable) or isinstance(result, str | bytes):
        raise SpecError(f"returned {type(result).__name__}, not a list of specs")
    specs = list(result)
    for spec in specs:
        if not isinstance(spec, Spec) or spec.kind != kind:
            raise SpecError(f"returned a {type(spec).__name__} among its {kind} specs")
    return specs


def _name_clashes(plugins: list[Plugin]) -> None:
    for plugin in plugins:
        others = [p for p in plugins if p.name == plugin.name and p is not plugin]
        plugin.faults += [
            f"{other.origin} has a plugin named {plugin.name!r} too" for other in others
        ]
