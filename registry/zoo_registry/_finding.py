"""Where a module lies, found without importing it or its parents, whose code would run."""

import importlib.util
from importlib.machinery import ModuleSpec, PathFinder


def find_module(name: str) -> ModuleSpec | None:
    """Return the spec of a module, whose `name` may be its last part alone; None: there is none."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module made by hand, `__main__` in a shell
        return None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # A bare name and an explicit path: the finder then has no reason to import the parent.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec
