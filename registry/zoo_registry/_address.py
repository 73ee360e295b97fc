"""Addresses: `package.module:attribute`, resolved only when the thing is used."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from ._errors import SpecError, ZooError


def address_of(build: str | Callable[..., Any]) -> str:
    """Return the address of `build`, which is an address already or a module-level callable.

    Raises:
        SpecError: the text is no address, or the callable can't be found again by import.
    """
    if isinstance(build, str):
        parts = [part for side in build.partition(":")[::2] for part in side.split(".")]
        if not all(part.isidentifier() for part in parts):
            raise SpecError(f"{build!r} is not an address; write 'package.module:attribute'")
        return build
    if not callable(build):
        raise SpecError(f"build={build!r} is neither an address nor a callable")
    module = getattr(build, "__module__", None)
    name = getattr(build, "__qualname__", None)
    # Compared, for a wrapper or an inherited class method carries the name of something else.
    if name is None or _reach(sys.modules.get(module or ""), name, None) != build:
        raise SpecError(
            f"{name or build!r} can't be imported by name; move it to the top of its module"
        )
    return f"{module}:{name}"


def resolve(address: str) -> Any:
    """Import what `address` names.

    Raises:
        SpecError: the module can't be imported or has no such attribute.
        ZooError: raised by the module itself, which knows better what to do: install a library.
    """
    module_name, _, attribute = address.partition(":")
    try:
        return _reach(importlib.import_module(module_name), attribute)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        raise SpecError(f"{address!r} does not resolve ({cause})") from error


def _reach(found: Any, attribute: str, *default: None) -> Any:
    for part in attribute.split("."):
        found = getattr(found, part, *default)
    return found
