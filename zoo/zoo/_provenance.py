"""What to say where the plugin behind some weights can't be used, without importing torch."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
"""What may stand in a command that is copied to a shell: a card may hold anything."""


def why_not_offered(
    path: Path, model: str, distribution: str, made_with: str, error: Exception
) -> str:
    """Say why no plugin offers a model: not installed, not selected, broken, another version.

    Args:
        path: the weights.
        model: its qualified name, as they have it.
        distribution: that offered it.
        made_with: its version.
        error: what looking for the model came to; it names plugins that are broken or not
            selected.
    """
    if not is_installable(distribution, made_with):
        return (
            f"{path} is for {model}, and its card names no distribution that could be installed "
            f"({distribution!r}, {made_with!r}); ask whoever made it"
        )
    wanted = f"{distribution} {made_with}"
    remedy = f"pip install {distribution}=={made_with}"
    try:
        installed = version(distribution)
    except (PackageNotFoundError, ValueError):  # ValueError: an empty name
        return f"{path} is for {model} of {wanted}, which is not installed: {remedy}"
    other = "" if installed == made_with else f" Installed is {installed}: {remedy}"
    return f"{path} is for {model} of {wanted}; {error}{other}"


def is_installable(distribution: str, made_with: str) -> bool:
    """Say whether a card names a distribution and a version that can stand in a command."""
    return bool(_DISTRIBUTION.fullmatch(distribution) and _VERSION.fullmatch(made_with))
