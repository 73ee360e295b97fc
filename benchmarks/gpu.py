"""On one CUDA device: the loop against a bare one, the resident set, CIFAR-10 to 94%.

    python benchmarks/gpu.py --data DIR [--images DIR] [--rounds 3] [--json]

ResNet-50 at 224 in bf16 and channels last, against a bare loop with the same settings on batches
that lie on the device; mnist-cnn on MNIST, which zoo keeps on the device, against a plain loop
over the usual DataLoader; and `zoo train cifar10-speed` as a whole process, from DIR, or from
CIFAR-10 as image files. Elsewhere it says that there is no CUDA device, and exits with 2.
"""

import json
import sys
from pathlib import Path

from side_by_side import (
    Comparison,
    Side,
    in_child,
    machine,
    measure_and_show,
    options_parser,
    timed,
)

WORKERS = (0, 8)
COMPARISONS = [
    Comparison(
        what="ResNet-50, bf16, channels last: zoo against a bare loop",
        figure="samples/s",
        ours="zoo, ResNet-50",
        theirs=("bare loop, ResNet-50",),
        goal=0.98,
    ),
    *(
        Comparison(
            what=f"mnist-cnn from the resident set: {name} against a plain loop",
            figure="samples/s",
            ours=f"{name}, mnist-cnn",
            theirs=tuple(f"plain loop, mnist-cnn, {count} workers" for count in WORKERS),
            goal=5,
        )
        for name in ("zoo", "zoo compiled")
    ),
]


def cifar10_speed(images: Path | None, data: Path, seed: int) -> list[str]:
    """Return the command that trains the recipe, on image files where there are some."""
    dataset = "cifar10" if images is None else f"folder:{images.resolve()}"
    command = [sys.executable, "-m", "zoo", "train", "cifar10-speed", "--dataset", dataset]
    return [*command, "--data-dir", str(data.resolve()), "--seed", str(seed), "--json"]


def sides(data: Path, images: Path | None, *, quick: bool) -> list[Side]:
    """Return all sides, in the order of their turns."""
    photos = {"num_samples": 512 if quick else 8192, "epochs": 3}
    digits = {"root": str(data.resolve()), "epochs": 2 if quick else 4}
    return [
        Side(name="bare loop, ResNet-50", measure=in_child("sides.gpu:bare_resnet", **photos)),
        Side(name="zoo, ResNet-50", measure=in_child("sides.gpu:zoo_resnet", **photos)),
        *(
            Side(
                name=f"plain loop, mnist-cnn, {count} workers",
                measure=in_child("sides.gpu:plain_cnn", **digits, workers=count),
            )
            for count in WORKERS
        ),
        *(
            Side(
                name=f"{name}, mnist-cnn",
                measure=in_child("sides.gpu:zoo_cnn", **digits, mode=mode),
            )
            for name, mode in (("zoo", "none"), ("zoo compiled", "auto"))
        ),
        Side(
            name="zoo train cifar10-speed",
            measure=timed(
                lambda seed: cifar10_speed(images, data, seed),
                lambda printed: json.loads(printed.splitlines()[-1])["metrics"],
            ),
        ),
    ]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, metavar="DIR", required=True, help="has MNIST/raw")
    parser.add_argument("--images", type=Path, metavar="DIR", help="CIFAR-10, unpacked")
    options = parser.parse_args()
    if machine()["gpu"] is None:
        parser.error("this needs a CUDA device, and there is none here")
    turns = sides(options.data, options.images, quick=options.quick)
    measure_and_show("gpu", turns, COMPARISONS, options)


if __name__ == "__main__":
    main()
