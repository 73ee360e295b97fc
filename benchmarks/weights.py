"""Loading and storing a gibibyte of weights: zoo against what it is built on, and plain torch.

    python benchmarks/weights.py [--folder DIR] [--rounds 5] [--json] [--quick]

Loading is timed into a model that is there, from files that the system has in its cache; storing
to the end of fsync, in DIR. Memory is what loading holds at most beyond the model: `anonymous`
what the process has for itself, `resident` with the pages of the file, which the system takes back
when it needs them.
"""

import sys
import tempfile
from pathlib import Path

from side_by_side import Comparison, Side, in_child, measure_and_show, options_parser

_LOAD = ("safetensors, load", "torch, load", "zoo, load")
_SAVE = ("raw write, save", "torch, save", "zoo, save")
_MEMORY = ("the weights, memory", "safetensors, memory", "torch, memory", "zoo, memory")
_GOALS = [
    (3.0, "seconds", "verified load: zoo / load_file and load_state_dict", "zoo, load", _LOAD[0]),
    (0.5, "seconds", "verified load: zoo / torch.load and load_state_dict", "zoo, load", _LOAD[1]),
    (4.0, "seconds", "save with digests: zoo / raw write and fsync", "zoo, save", _SAVE[0]),
]
_MEMORY_GOAL = (
    1.1,
    "anonymous MiB",
    "memory of a load beyond the model: zoo / the weights' size",
    "zoo, memory",
    _MEMORY[0],
)


def side(name: str, folder: Path, num_tensors: int, mebibytes: int) -> Side:
    """Return a side by its name, `who, what`."""
    who, what = name.split(", ")
    settings = {"folder": str(folder), "num_tensors": num_tensors, "mebibytes": mebibytes}
    return Side(name=name, measure=in_child(f"sides.weights:{what}", who=who, **settings))


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=5)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where files are written")
    options = parser.parse_args()
    sizes = (4, 1) if options.quick else (64, 16)
    memory = sys.platform == "linux"  # others don't tell which memory is anonymous
    names = (*_LOAD, *_SAVE, *(_MEMORY if memory else ()))
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-", dir=options.folder) as folder:
        side("files, prepare", Path(folder), *sizes).measure(0)
        sides = [side(name, Path(folder), *sizes) for name in names]
        goals = [*_GOALS, *([_MEMORY_GOAL] if memory else [])]
        comparisons = [
            Comparison(
                what=what, figure=figure, ours=ours, theirs=(theirs,), goal=goal, at_most=True
            )
            for goal, figure, what, ours, theirs in goals
        ]
        measure_and_show("weights", sides, comparisons, options)


if __name__ == "__main__":
    main()
