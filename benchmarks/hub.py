"""A push and a pull of 500 MB: zoo's commands against bare calls of the client.

    python benchmarks/hub.py [--folder DIR] [--rounds 3] [--json] [--quick]

Each is a whole process, and talks to a hub on the loopback that holds nothing yet; the hub is in a
process of its own and keeps all in memory. zoo copies what it sends, compares what it gets with
the hub's list and with the manifest, and gets it onto the disk. Memory is the peak of all
processes of a push or a pull together, from Python, beside a process that has imported torch and
may take 300 MB more.
"""

import sys
import tempfile
from pathlib import Path

from side_by_side import Comparison, Side, in_child, measure_and_show, options_parser

_SIDES = ("client, push", "zoo, push", "client, pull", "zoo, pull")
_MEMORY = ("torch and 300 MB, memory", "zoo, memory")
_GOALS = [
    (1.3, "seconds", "push of 500 MB: zoo / bare calls of the client", "zoo, push", _SIDES[0]),
    (1.3, "seconds", "pull of 500 MB, verified: zoo / bare calls", "zoo, pull", _SIDES[2]),
]
_MEMORY_GOAL = (
    1.0,
    "peak MiB",
    "memory of a push and a pull of 500 MB / of torch and 300 MB more",
    "zoo, memory",
    _MEMORY[0],
)


def side(name: str, folder: Path) -> Side:
    """Return a side by its name, `who, what`."""
    who, what = name.split(", ")
    return Side(name=name, measure=in_child(f"sides.hub:{what}", who=who, folder=str(folder)))


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where files are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-", dir=options.folder) as folder:
        size = 4 if options.quick else 477
        in_child("sides.hub:prepare", folder=folder, mebibytes=size)(0)
        memory = sys.platform == "linux" and not options.quick  # others don't tell what is shared
        names = (*_SIDES, *(_MEMORY if memory else ()))
        sides = [side(name, Path(folder)) for name in names]
        comparisons = [
            Comparison(
                what=what, figure=figure, ours=ours, theirs=(theirs,), goal=goal, at_most=True
            )
            for goal, figure, what, ours, theirs in [*_GOALS, *([_MEMORY_GOAL] if memory else [])]
        ]
        measure_and_show("hub", sides, comparisons, options)


if __name__ == "__main__":
    main()
