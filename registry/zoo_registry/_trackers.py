"""A tracker at work: an object that was built, whose methods are life-cycle hooks."""

import inspect
from collections.abc import Callable
from typing import Any

from ._conduct import attempt
from ._errors import SpecError
from ._hooks import HOOKS, misfit
from ._plugin import Entry

LIFE = {name: arguments for name, arguments in HOOKS.items() if "run" in arguments}
"""The hooks that tell of a training, and the arguments they may ask for."""


class Tracker:
    """Told of a training's life as a plugin is, and asked for what it wants kept.

    Args:
        entry: of its spec.
        built: what the spec's builder returned. Its methods whose names begin with `zoo_` are
            hooks; like a plugin's, they may ask for fewer arguments than they are given.

    Attributes:
        name: the qualified one.
        origin: its plugin's distribution and version, as messages name it.

    Raises:
        SpecError: it has no hooks, or one that can't be called.
    """

    def __init__(self, entry: Entry, built: object) -> None:
        self.name = entry.name
        self.origin = entry.plugin.origin
        self._hooks = {
            name: _checked(self.name, name, getattr(built, name))
            for name in dir(built)
            if name.startswith("zoo_")
        }
        if not self._hooks:
            raise SpecError(
                f"{self.name} built a {type(built).__name__}, which has no life-cycle hooks: "
                f"methods named {', '.join(LIFE)}"
            )

    def listens(self, hook: str) -> bool:
        """Say whether it has this hook."""
        return hook in self._hooks

    def ask(self, hook: str, **facts: Any) -> tuple[Any, str | None]:
        """Call one of its hooks; return its answer, or None and what went wrong."""
        method, names = self._hooks[hook]
        return attempt(method, *(facts[name] for name in names))


def _checked(tracker: str, hook: str, method: Any) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """Return a hook and the arguments it asks for."""
    asked = tuple(inspect.signature(method).parameters) if hook in LIFE else ()
    if fault := misfit(hook, asked, LIFE, "life-cycle hook"):
        raise SpecError(f"{tracker}: {fault}")
    return method, asked
