"""The names a user may have meant."""

from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return up to `most` of `names` that resemble `name`, the likeliest first."""
    # Imported here: only a mistake pays for it.
    from difflib import get_close_matches

    return tuple(get_close_matches(name, sorted(set(names)), n=most, cutoff=0.6))
