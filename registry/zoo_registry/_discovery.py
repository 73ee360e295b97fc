"""Discovery: every plugin is loaded on its own, and a broken one harms nobody.

pluggy's own `load_setuptools_entrypoints` imports in one sweep, stops at the first plugin that
raises and drops a second entry point of the same name in silence; hence the walk here.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from ._address import resolve
from ._errors import SpecError, ZooError
from ._hooks import HookManager
from ._installed import entry_points
from ._markers import PROJECT
from ._specs import Spec

KINDS = {
    "model": "zoo_models",
    "dataset": "zoo_datasets",
    "optimizer": "zoo_optimizers",
    "loss": "zoo_losses",
    "scheduler": "zoo_schedulers",
    "tracker": "zoo_trackers",
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

    manager: HookManager = field(default_factory=HookManager)
    plugins: list[Plugin] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    owners: dict[int, Plugin] = field(default_factory=dict)
    """The plugin behind each registered module, by the module's id."""
    left_out: list[str] = field(default_factory=list)
    """Names of the plugins that were not selected."""


def selected() -> list[str] | None:
    """Names in `ZOO_PLUGINS`, comma-separated; None when it is unset: all."""
    names = os.environ.get("ZOO_PLUGINS")
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def discover(only: Collection[str] | None = None) -> Found:
    """Load every installed plugin, or those named in `only`, each on its own."""
    found = Found()
    for point in entry_points(PROJECT):
        if only is None or point.name in only:
            plugin = Plugin(point.name, point.value, point.distribution, point.version)
            found.plugins.append(plugin)
            _load(plugin, found)
        else:
            found.left_out.append(point.name)
    _name_clashes(found.plugins)
    return found


def _load(plugin: Plugin, found: Found) -> None:
    started = time.perf_counter()
    module, fault = attempt(_import, plugin.module)
    plugin.import_seconds = time.perf_counter() - started
    if fault is None:
        _, fault = attempt(_adopt, module, plugin, found)
    if fault is not None:
        plugin.faults.append(fault)
        return
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
        return None, _one_line(error)


def _one_line(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001 - an exception's own text is a plugin's code too
        return kind
    if isinstance(error, ZooError):
        return text
    return f"{kind}: {text}" if text else kind


def _import(value: str) -> Any:
    if not value:
        raise SpecError("its entry point names no module; write name = package.module")
    return resolve(value) if ":" in value else importlib.import_module(value)


def _adopt(module: object, plugin: Plugin, found: Found) -> None:
    owner = found.owners.setdefault(id(module), plugin)
    if owner is not plugin:
        raise SpecError(f"{plugin.module} is loaded already, as {owner.name} of {owner.origin}")
    plugin.faults += found.manager.adopt(module)


def _offered(manager: HookManager, module: object, kind: str, hook: str) -> list[Spec]:
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
