"""The names a user may have meant."""

from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return up to `most` of `names` that resemble `name`, the likeliest first.

    Capitals make no difference.
    """
    # Imported here: only a mistake pays for it.
    from difflib import get_close_matches

    spelled = {candidate.lower(): candidate for candidate in sorted(names)}
    close = get_close_matches(name.lower(), spelled, n=most, cutoff=0.6)
    return tuple(spelled[candidate] for candidate in close)
