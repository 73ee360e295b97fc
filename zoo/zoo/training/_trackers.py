"""Building the trackers of a training."""

from zoo_registry import Registry, Tracker

from .._ranks import rank
from .._tracked import Trackers
from ._components import build


def build_trackers(asked: Trackers, registry: Registry) -> list[Tracker]:
    """Build the trackers that are asked for; none on any rank but the first, which stores the run.

    Args:
        asked: their options, by qualified name.
        registry: the installed plugins.

    Raises:
        ZooError: a library is missing, or a builder does not like its options.
    """
    if rank():
        return []
    entries = {name: registry.find("tracker", name) for name in asked}
    return [Tracker(entry, build(entry, **asked[name])) for name, entry in entries.items()]
