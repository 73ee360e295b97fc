"""Where a module lies, found without importing it or its parents, whose code would run."""

import importlib.util
import os
from collections.abc import Iterator
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


def read_sources(package: str) -> Iterator[bytes]:
    """Yield the source of each module in a package, but of those in packages below it.

    So a plugin can tell what a library offers without importing it. Where the package is not
    installed, or not as files, there is none.

    Args:
        package: its name, `timm.models`.
    """
    spec = find_module(package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        if os.path.isdir(folder):  # noqa: PTH112 - pathlib takes longer to import
            for file in sorted(os.listdir(folder)):  # noqa: PTH208 - likewise
                if file.endswith(".py"):
                    with open(f"{folder}/{file}", "rb") as source:  # noqa: PTH123 - likewise
                        yield source.read()
