#!/usr/bin/env python3
"""Link what an installed distribution requires, all the way down and nothing else, into a folder.

python .ci/borrow.py DISTRIBUTION FOLDER
"""

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def required(name: str, extras: frozenset[str], seen: set[str]) -> Iterator[Distribution]:
    """Yield each distribution that `name` with `extras` requires on this machine."""
    found = distribution(name)
    for line in found.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        wanted = marker is None or any(marker.evaluate({"extra": e}) for e in extras or {""})
        key = str((requirement.name.lower(), sorted(requirement.extras)))
        if wanted and key not in seen:
            seen.add(key)
            yield distribution(requirement.name)
            yield from required(requirement.name, frozenset(requirement.extras), seen)


def main() -> None:
    """Make the folder."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir()
    for found in required(name, frozenset(), set()):
        for part in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            link = folder / part
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(part))))


if __name__ == "__main__":
    main()
