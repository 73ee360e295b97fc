"""What a plugin says where it has nothing to offer, such as that a package is not installed."""

import importlib

from ._plugin import Plugin


def when_empty(plugin: Plugin) -> str:
    """Return the line `when_empty` of a plugin's module; nothing where it has none."""
    try:
        module = importlib.import_module(plugin.module.partition(":")[0])
    except (Exception, SystemExit):  # noqa: BLE001 - a plugin may raise anything; `zoo plugins` says
        return ""
    line = getattr(module, "when_empty", "")
    return line if isinstance(line, str) else ""
