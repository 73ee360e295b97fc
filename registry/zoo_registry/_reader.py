"""A plugin imported and asked for its specs; whatever it does is noted, and nothing comes out."""

import importlib
import sys
import time
from collections.abc import Iterable
from typing import Any

from ._address import resolve
from ._conduct import attempt
from ._errors import SpecError
from ._installed import EntryPoint
from ._life import Life
from ._plugin import KINDS, Entry, Plugin
from ._requires import unmet
from ._specs import Spec

_HEAVY = ("torch", "numpy", "pandas", "tensorflow", "jax")
"""What no spec module needs, and all that ask it for specs would wait for."""


def read_plugin(point: EntryPoint, plugin: Plugin, life: Life) -> list[Entry]:
    """Import a plugin, adopt its hooks and return what it offers; its faults are noted with it."""
    started = time.perf_counter()
    needs = unmet(point)
    if needs:
        plugin.faults.append(needs)
        return []
    module = import_plugin(plugin, life)
    entries: list[Entry] = []
    for kind, hook in KINDS.items() if module is not None else ():
        for owner, implementation in life.implementations(hook):
            if owner is plugin:
                specs, fault = _attempt(plugin, _offered, implementation.function, kind)
                if fault is None:
                    entries += [Entry(spec, plugin) for spec in specs]
                else:
                    plugin.faults.append(f"{hook}: {fault}")
    plugin.import_seconds = time.perf_counter() - started
    return entries


def import_plugin(plugin: Plugin, life: Life) -> object | None:
    """Import a plugin's module and adopt its hooks; None where that failed."""
    before = {name for name in _HEAVY if name in sys.modules}
    module, fault = _attempt(plugin, _import, plugin.module)
    if fault is None:
        _, fault = _attempt(plugin, life.adopt, plugin, module)
    if fault is not None:
        plugin.faults.append(fault)
        return None
    heavy = [name for name in _HEAVY if name in sys.modules and name not in before]
    if heavy:
        plugin.notices.append(f"imports {' and '.join(heavy)}, which its specs should not need")
    return module  # type: ignore[no-any-return]


def _attempt(plugin: Plugin, action: Any, *args: Any) -> tuple[Any, str | None]:
    waiting_for = f"the plugin {plugin.name} ({plugin.origin})"
    return attempt(action, *args, notices=plugin.notices, waiting_for=waiting_for)


def _import(value: str) -> Any:
    if not value:
        raise SpecError("its entry point names no module; write name = package.module")
    return resolve(value) if ":" in value else importlib.import_module(value)


def _offered(function: Any, kind: str) -> list[Spec]:
    result = function()
    if not isinstance(result, Iterable) or isinstance(result, str | bytes):
        raise SpecError(f"returned {type(result).__name__}, not a list of specs")
    specs = list(result)
    for spec in specs:
        if not isinstance(spec, Spec) or spec.kind != kind:
            raise SpecError(f"returned a {type(spec).__name__} among its {kind} specs")
    seen: set[str] = set()
    for spec in specs:
        if spec.name in seen:
            raise SpecError(f"two {kind}s are named {spec.name!r}")
        seen.add(spec.name)
    return specs
