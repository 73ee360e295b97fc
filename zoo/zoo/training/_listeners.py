"""The plugins that listen to a training: told of its life, asked for what they want kept."""

from collections.abc import Callable, Mapping
from typing import Any

from zoo_registry import Plugin, Registry, UsageError

from ..checkpoints import check_tree
from ..runs import Run

Note = Callable[[str], None]


class Listeners:
    """Calls life-cycle hooks; a plugin that fails is named once, and spares the training.

    Args:
        registry: the installed plugins.
        run: returns the run as it is now; asked only where a plugin listens.
        note: told which plugin failed, and how.

    Attributes:
        failures: the first of each plugin, by its name.
    """

    def __init__(self, registry: Registry, run: Callable[[], Run], note: Note) -> None:
        self.failures: dict[str, str] = {}
        self._registry = registry
        self._run = run
        self._note = note

    def notify(self, hook: str, **facts: Any) -> None:
        """Call a hook in every plugin."""
        for plugin in self._registry.listeners(hook):
            self._ask(plugin, hook, **facts)

    def states(self) -> dict[str, Any]:
        """Return what plugins want kept in a checkpoint, by their names."""
        found = {}
        for plugin in self._registry.listeners("zoo_state"):
            state = self._ask(plugin, "zoo_state")
            try:
                check_tree(state)
            except UsageError as error:
                self._failed(plugin, f"zoo_state: {error}")
            else:
                found[plugin.name] = state
        return found

    def restore(self, states: Mapping[str, Any]) -> None:
        """Give back to each plugin what it had kept."""
        listening = {plugin.name: plugin for plugin in self._registry.listeners("zoo_restore")}
        for name, state in states.items():
            if name in listening:
                self._ask(listening[name], "zoo_restore", state=state)
            elif state is not None:
                self._note(f"plugin {name} has no zoo_restore here: what it had kept is not used")

    def _ask(self, plugin: Plugin, hook: str, **facts: Any) -> Any:
        answer, fault = self._registry.ask(plugin, hook, run=self._run(), **facts)
        if fault is not None:
            self._failed(plugin, f"{hook}: {fault}")
        return answer

    def _failed(self, plugin: Plugin, fault: str) -> None:
        if plugin.name not in self.failures:
            self._note(f"plugin {plugin.name} ({plugin.origin}) failed in {fault}")
        self.failures.setdefault(plugin.name, fault)
