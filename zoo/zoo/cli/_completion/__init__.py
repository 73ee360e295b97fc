"""Shell completion: what could come next on a command line. Nothing of it imports torch."""

from ._answer import INSTRUCTION, answer
from ._components import component, dataset, plugin, task
from ._items import Completer, Items, items, one_of
from ._paths import WEIGHTS, folder, path
from ._runs import alias, run
from ._scripts import SCRIPTS
from ._settings import field, setting

__all__ = [
    "INSTRUCTION",
    "SCRIPTS",
    "WEIGHTS",
    "Completer",
    "Items",
    "alias",
    "answer",
    "component",
    "dataset",
    "field",
    "folder",
    "items",
    "one_of",
    "path",
    "plugin",
    "run",
    "setting",
    "task",
]
