"""How long a checkpoint holds up the training: zoo's copy against a synchronous torch.save.

    python benchmarks/checkpoint_pause.py [--folder DIR] [--rounds 5] [--json] [--quick]

The state is a gibibyte of weights in memory. zoo copies it and writes the copy in the background;
`first` is the pause of the first checkpoint, which gets the memory of the copy from the system,
`later` that of each one after it. `torch.save` writes to a file, without waiting for the disk.
"""

import tempfile
from pathlib import Path

from side_by_side import Comparison, Side, in_child, measure_and_show, options_parser

SIDES = ("torch.save", "zoo")
COMPARISONS = [
    Comparison(
        what="pause for a checkpoint: zoo's background writing / torch.save",
        figure="seconds later",
        ours="zoo",
        theirs=("torch.save",),
        goal=0.2,
        at_most=True,
    )
]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=5)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where files are written")
    options = parser.parse_args()
    num_tensors, mebibytes = (4, 1) if options.quick else (64, 16)
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-", dir=options.folder) as folder:
        sides = [
            Side(
                name=name,
                measure=in_child(
                    "sides.checkpoints:pause",
                    who=name,
                    folder=folder,
                    num_tensors=num_tensors,
                    mebibytes=mebibytes,
                ),
            )
            for name in SIDES
        ]
        measure_and_show("checkpoint_pause", sides, COMPARISONS, options)


if __name__ == "__main__":
    main()
