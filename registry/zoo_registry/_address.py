"""Addresses: `package.module:attribute`, resolved only when the thing is used."""

import importlib
from collections.abc import Callable
from typing import Any

from ._errors import SpecError


def address_of(build: str | Callable[..., Any]) -> str:
    """Return the address of `build`, which is an address already or a module-level callable.

    Raises:
        SpecError: the text is no address, or the callable can't be found again by import.
    """
    if isinstance(build, str):
        module, _, attribute = build.partition(":")
        parts = [*module.split("."), *attribute.split(".")]
        if not all(part.isidentifier() for part in parts):
            raise SpecError(f"{build!r} is not an address; write 'package.module:attribute'")
        return build
    name = getattr(build, "__qualname__", None)
    if not callable(build) or name is None:
        raise SpecError(f"build={build!r} is neither an address nor a callable")
    if "<" in name:
        raise SpecError(f"{name} can't be imported by name; move it to the top of its module")
    return f"{build.__module__}:{name}"


def resolve(address: str) -> Any:
    """Import what `address` names.

    Raises:
        SpecError: the module can't be imported or has no such attribute.
    """
    module_name, _, attribute = address.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise SpecError(f"{address!r} does not resolve ({cause})") from error
    return found
