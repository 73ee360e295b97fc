"""Plugins and trackers that listen to a training: told of its life, asked for what is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from zoo_registry import Plugin, Registry, Tracker, UsageError

from ..checkpoints import check_tree
from ..runs import Run

Note = Callable[[str], None]
Listener: TypeAlias = Plugin | Tracker


class Listeners:
    """Calls life-cycle hooks; a listener that fails is named once, and spares the training.

    Args:
        registry: the installed plugins, which all listen.
        trackers: those that were switched on.
        run: returns the run as it is now; asked only where somebody listens.
        note: told who failed, and how.

    Attributes:
        failures: the first of each listener, by its name; a tracker's is qualified.
    """

    def __init__(
        self,
        registry: Registry,
        trackers: Sequence[Tracker],
        run: Callable[[], Run],
        note: Note,
    ) -> None:
        self.failures: dict[str, str] = {}
        self._broken: set[Plugin] = set()
        self._registry = registry
        self._trackers = trackers
        self._run = run
        self._note = note

    def notify(self, hook: str, **facts: Any) -> None:
        """Call a hook in everyone who has it."""
        for listener in self._listening(hook):
            self._ask(listener, hook, **facts)

    def states(self) -> dict[str, Any]:
        """Return what they want kept in a checkpoint, by their names."""
        found = {}
        for listener in self._listening("zoo_state"):
            state = self._ask(listener, "zoo_state")
            try:
                check_tree(state)
            except UsageError as error:
                self._failed(listener, f"zoo_state: {error}")
            else:
                found[listener.name] = state
        return found

    def restore(self, states: Mapping[str, Any]) -> None:
        """Give back to each what it had kept."""
        listening = {listener.name: listener for listener in self._listening("zoo_restore")}
        for name, state in states.items():
            if name in listening:
                self._ask(listening[name], "zoo_restore", state=state)
            elif state is not None:
                kind = "tracker" if "/" in name else "plugin"
                self._note(f"{kind} {name} has no zoo_restore here: what it had kept is not used")

    def _listening(self, hook: str) -> list[Listener]:
        plugins = self._registry.listeners(hook)  # which imports them
        self._name_broken()
        return [*plugins, *(tracker for tracker in self._trackers if tracker.listens(hook))]

    def _name_broken(self) -> None:
        """Say which plugins do not work: one of them may have been meant to follow trainings."""
        for plugin in self._registry.plugins:
            if plugin.faults and plugin not in self._broken:
                self._broken.add(plugin)
                self._note(f"plugin {plugin.name} ({plugin.origin}) is broken: {plugin.faults[0]}")

    def _ask(self, listener: Listener, hook: str, **facts: Any) -> Any:
        facts["run"] = self._run()
        if isinstance(listener, Tracker):
            answer, fault = listener.ask(hook, **facts)
        else:
            answer, fault = self._registry.ask(listener, hook, **facts)
        if fault is not None:
            self._failed(listener, f"{hook}: {fault}")
        return answer

    def _failed(self, listener: Listener, fault: str) -> None:
        if listener.name not in self.failures:
            kind = "tracker" if isinstance(listener, Tracker) else "plugin"
            self._note(f"{kind} {listener.name} ({listener.origin}) failed in {fault}")
        self.failures.setdefault(listener.name, fault)
