"""What discovery brings: plugins, and the specs they offer."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ._specs import Spec

PROJECT = "zoo"
"""The name of the entry-point group and of the pluggy project."""

KINDS = {
    "model": "zoo_models",
    "dataset": "zoo_datasets",
    "optimizer": "zoo_optimizers",
    "loss": "zoo_losses",
    "scheduler": "zoo_schedulers",
    "tracker": "zoo_trackers",
}
"""Each kind of spec and the hook that offers it."""


@dataclass(eq=False)
class Plugin:
    """One entry point: where it comes from, what loading it cost, what is wrong with it."""

    name: str
    module: str
    distribution: str
    version: str
    import_seconds: float = 0.0
    """What importing it and asking for its specs took, when that was last done."""
    faults: list[str] = field(default_factory=list)
    """What does not work, one line each; empty when all is well."""
    notices: list[str] = field(default_factory=list)
    """What it does besides, and should not where it is only asked for specs, one line each."""

    @property
    def origin(self) -> str:
        """`distribution version`, as messages name it."""
        return f"{self.distribution} {self.version}"


class Entry(NamedTuple):
    """A spec and the plugin that offers it."""

    spec: Spec
    plugin: Plugin

    @property
    def name(self) -> str:
        """The qualified name, `<plugin>/<name>`."""
        return f"{self.plugin.name}/{self.spec.name}"
