"""The memory that training on MNIST takes: zoo against a bare loop on ready batches.

    python benchmarks/memory.py --data DIR [--rounds 3] [--json] [--quick]

The peak of the resident set of a whole process, torch included, that trains an MLP 784-64-10 for
two epochs; zoo also measures it on the test split and stores a run.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from side_by_side import Comparison, Side, in_child, measure_and_show, mnist_root, options_parser

CALLS = {"bare loop": "sides.bare:mnist", "zoo": "sides.zoo_run:mnist"}
COMPARISONS = [
    Comparison(
        what="peak memory of an MNIST run: zoo against a bare loop on ready batches",
        figure="peak MiB",
        ours="zoo",
        theirs=("bare loop",),
        goal=1.15,
        at_most=True,
    )
]


def peak_of(call: str, root: Path) -> Callable[[int], dict[str, float]]:
    """Return a measurement of the memory that a side's process holds at most."""
    return in_child("sides.peak_memory:of", call=call, root=str(root), epochs=2)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with MNIST/raw")
    options = parser.parse_args()
    if importlib.util.find_spec("resource") is None:
        parser.error("this system doesn't tell how much memory a process has held")
    with mnist_root(parser, options) as root:
        sides = [Side(name=name, measure=peak_of(call, root)) for name, call in CALLS.items()]
        measure_and_show("memory", sides, COMPARISONS, options)


if __name__ == "__main__":
    main()
