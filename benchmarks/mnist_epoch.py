"""An epoch of MNIST from the dataset: zoo, a bare loop on ready batches, and everyone else.

    python benchmarks/mnist_epoch.py --data DIR [--rounds 3] [--json] [--quick]

An MLP 784-64-10 at batch 32 with fused Adam on every side. zoo shuffles, gathers and normalises
uint8 images; the bare loop is given batches that lie ready, the others the usual DataLoader over
torchvision's MNIST. Each of those is tried with 0 and with 2 worker processes on a part of the
data, and measured with what suits it better.
"""

from pathlib import Path

from side_by_side import (
    Comparison,
    Side,
    in_child,
    measure_and_show,
    mnist_root,
    options_parser,
    say,
)

FRAMEWORKS = {
    "Lightning": ("sides.lightning_trainer:mnist", ("lightning",)),
    "transformers Trainer": ("sides.transformers_trainer:mnist", ("transformers", "accelerate")),
    "Accelerate": ("sides.accelerate_loop:mnist", ("accelerate",)),
    "Ignite": ("sides.ignite_engine:mnist", ("pytorch-ignite",)),
}
PLAIN = {"plain loop": ("sides.plain_loop:mnist", ("torchvision",))}
WORKERS = (0, 2)
TRIAL_SAMPLES = 12_000

COMPARISONS = [
    Comparison(
        what="MNIST epoch: zoo against a bare loop on ready batches",
        figure="samples/s",
        ours="zoo",
        theirs=("bare loop",),
        goal=0.85,
    ),
    Comparison(
        what="MNIST epoch: zoo against the best framework with the usual DataLoader",
        figure="samples/s",
        ours="zoo",
        theirs=tuple(FRAMEWORKS),
        goal=6,
    ),
]


def peer(name: str, root: Path, *, quick: bool) -> Side:
    """Return a side with the number of workers that suits it better."""
    call, needs = (PLAIN | FRAMEWORKS)[name]
    side = Side(name=name, measure=in_child(call), needs=needs)
    workers = 0 if quick or side.missing else better_workers(name, call, root)
    settings = {"epochs": 2, "workers": workers}
    return Side(
        name=name,
        measure=in_child(call, root=str(root), **settings),
        needs=needs,
        settings=settings,
    )


def better_workers(name: str, call: str, root: Path) -> int:
    """Try each number of workers on a part of the data; return the faster one."""
    speeds = {}
    for workers in WORKERS:
        trial = in_child(call, root=str(root), epochs=2, workers=workers, limit=TRIAL_SAMPLES)
        speeds[workers] = trial(0)["samples/s"]
    told = ", ".join(f"{speed:,.0f} samples/s with {count}" for count, speed in speeds.items())
    say(f"workers for {name}: {told}")
    return max(speeds, key=lambda workers: speeds[workers])


def sides(root: Path, *, quick: bool) -> list[Side]:
    """Return all sides, in the order of their turns."""
    ours = {"root": str(root), "epochs": 2 if quick else 6}
    settings = {"epochs": ours["epochs"]}
    return [
        Side(name="bare loop", measure=in_child("sides.bare:mnist", **ours), settings=settings),
        Side(name="zoo", measure=in_child("sides.zoo_run:mnist", **ours), settings=settings),
        *(peer(name, root, quick=quick) for name in (*PLAIN, *FRAMEWORKS)),
    ]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with MNIST/raw")
    options = parser.parse_args()
    with mnist_root(parser, options) as root:
        measure_and_show("mnist_epoch", sides(root, quick=options.quick), COMPARISONS, options)


if __name__ == "__main__":
    main()
