"""Which zoo a plugin needs, read before any of its code runs.

Code written for a newer zoo fails in ways that say nothing of that, such as a name that can't be
imported.
"""

import re
from importlib.machinery import ModuleSpec

from ._finding import find_module
from ._installed import EntryPoint, installed_version

_STATED = re.compile(r"""^requires_zoo\s*(?::[^=\n]+)?=\s*["']([^"'\n]*)["']""", re.MULTILINE)
_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*v?(\d+(?:\.\d+)*)(\.\*)?([\w.+-]*)$")
_DISTRIBUTION = "zoo-registry"


def unmet(point: EntryPoint) -> str:
    """Say that a plugin needs another zoo than this one; empty where it does not.

    It states so in its module, `requires_zoo = ">=0.3"`, or in its distribution's metadata.
    """
    for needs in (_stated(point.value.partition(":")[0]), point.needs):
        if not needs:
            continue
        version = installed_version(_DISTRIBUTION)
        try:
            if not version or allows(needs, version):
                continue
        except ValueError as error:
            return f"requires_zoo={needs!r}: {error}"
        return f"needs zoo {needs}; this is {version}: pip install --upgrade {_DISTRIBUTION}"
    return ""


def allows(needs: str, version: str) -> bool:
    """Tell whether `version` is within `needs`, clauses such as `>=0.3,<2` joined by commas.

    Releases are compared by their numbers; a pre-release comes before its release.

    Raises:
        ValueError: a clause is none.
    """
    return all(_holds(clause.strip(), version) for clause in needs.split(",") if clause.strip())


def _holds(clause: str, version: str) -> bool:
    found = _CLAUSE.match(clause)
    if found is None:
        raise ValueError(f"{clause!r} is not a comparison; write '>=0.3'")
    sign, numbers, wild, rest = found.groups()
    wanted = _key(numbers + rest)
    own = _key(version)
    prefix = len(numbers.split("."))
    if wild or sign == "~=":
        depth = prefix if wild else prefix - 1
        alike = _padded(own, depth) == _padded(wanted, depth)
        return not alike if sign == "!=" else alike and (wild is not None or own >= wanted)
    return {
        ">=": own >= wanted,
        "<=": own <= wanted,
        ">": own > wanted,
        "<": own < wanted,
        "==": own == wanted,
        "!=": own != wanted,
    }[sign]


def _key(version: str) -> tuple[tuple[int, ...], int]:
    """Return what orders versions: their numbers, without zeros at the end, and the stage."""
    found = re.match(r"v?(\d+(?:\.\d+)*)(.*)", version)
    if found is None:
        return (), 0
    numbers = [int(part) for part in found.group(1).split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    is_early = re.match(r"[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)", found.group(2)) is not None
    return tuple(numbers), -1 if is_early else 0


def _padded(key: tuple[tuple[int, ...], int], depth: int) -> tuple[int, ...]:
    return (*key[0], *[0] * depth)[:depth]


def _stated(module: str) -> str:
    """Return what a module's source states; empty where it states nothing or there is none."""
    try:
        spec = find_module(module)
        if spec is None or spec.origin is None:
            return ""
        found = _STATED.search(_source(spec, spec.origin))
    except (ImportError, OSError, ValueError):
        return ""
    return found.group(1) if found else ""


def _source(spec: ModuleSpec, origin: str) -> str:
    """Return a module's source text, which its loader has where it is in an archive."""
    try:
        with open(origin, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        source: str | None = getattr(spec.loader, "get_source", lambda _: None)(spec.name)
        return source or ""
