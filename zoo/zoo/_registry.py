"""The registry of this process, loaded once, at first use."""

import functools

import zoo_registry


@functools.cache
def registry() -> zoo_registry.Registry:
    """Return the installed plugins' registry."""
    return zoo_registry.load()
