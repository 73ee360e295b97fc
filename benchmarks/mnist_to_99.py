"""How soon MNIST is at 99%: `zoo train mnist-cnn` against the classic example, whole processes.

    python benchmarks/mnist_to_99.py --data DIR [--rounds 3] [--json] [--quick]

zoo trains its recipe to the end; the classic example (two convolutions of 32 and 64 channels,
Adadelta, batches of 64 images transformed one by one) stops after the first epoch that reaches
99.0%. Both take the round's number as their seed.
"""

import json
import sys
from pathlib import Path

from side_by_side import Comparison, Side, measure_and_show, mnist_root, options_parser, timed

CLASSIC = Path(__file__).resolve().parent / "sides" / "classic_mnist.py"
ACCURACY = 0.99
COMPARISONS = [
    Comparison(
        what="whole process to 99.0% on MNIST: zoo against the classic example",
        figure="seconds",
        ours="zoo train mnist-cnn",
        theirs=("classic example",),
        goal=10,
        inverse=True,
        requires={"accuracy": ACCURACY},
    )
]


def zoo_train(root: Path, seed: int) -> list[str]:
    """Return the command that trains the default recipe."""
    command = [sys.executable, "-m", "zoo", "train", "mnist-cnn", "--dataset", "mnist"]
    return [*command, "--data-dir", str(root), "--seed", str(seed), "--json"]


def classic_example(root: Path, seed: int) -> list[str]:
    """Return the command that runs the example."""
    settings = ["--data", str(root), "--seed", str(seed), "--accuracy", str(ACCURACY)]
    return [sys.executable, str(CLASSIC), *settings]


def zoo_accuracy(printed: str) -> dict[str, float]:
    """Read the stored model's accuracy from the outcome, the last line."""
    return {"accuracy": json.loads(printed.splitlines()[-1])["metrics"]["accuracy"]}


def classic_accuracy(printed: str) -> dict[str, float]:
    """Read accuracy and epochs from the last line."""
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])
    return figures


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with MNIST/raw")
    options = parser.parse_args()
    with mnist_root(parser, options) as root:
        sides = [
            Side(
                name="zoo train mnist-cnn",
                measure=timed(lambda seed: zoo_train(root, seed), zoo_accuracy),
            ),
            Side(
                name="classic example",
                measure=timed(lambda seed: classic_example(root, seed), classic_accuracy),
                needs=("torchvision",),
            ),
        ]
        measure_and_show("mnist_to_99", sides, COMPARISONS, options)


if __name__ == "__main__":
    main()
