"""A folder of JPEG files, cropped, flipped and normalised: zoo's data path against ImageFolder's.

    python benchmarks/folder_epochs.py (--images DIR | --data DIR) [--rounds 3] [--json] [--quick]

CIFAR-10's 50,000 training images in batches of 128, taken and left: no model is trained. zoo
prepares a job as `zoo train` does and builds its cache anew in each round; the other side is an
ImageFolder with torchvision's transforms and a DataLoader of 2 workers. A first epoch includes
all that comes before it.
"""

import argparse
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from side_by_side import (
    Comparison,
    Side,
    in_child,
    measure_and_show,
    options_parser,
    say,
    write_images,
)

ARCHIVE = "cifar10-images.tar.xz"
COMPARISONS = [
    Comparison(
        what=f"{name} epoch of a JPEG folder: zoo's data path against ImageFolder's",
        figure=f"{name} epoch, images/s",
        ours="zoo",
        theirs=("ImageFolder",),
        goal=goal,
    )
    for name, goal in (("second", 8), ("first", 1))
]


@contextmanager
def train_folder(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[Path]:
    """Give the folder with a sub-folder for each class; without one the program ends."""
    if not options.quick and options.images is not None:
        yield options.images.resolve() / "train"
        return
    if not options.quick and options.data is None:
        parser.error(
            f"--images DIR is needed, CIFAR-10 as train/<class>/*.jpg, or --data DIR, a folder "
            f"with {ARCHIVE}; --quick makes a trial"
        )
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
        if options.quick:
            write_images(Path(folder), num_train=32, num_test=0)
        else:
            say(f"unpacking {ARCHIVE}")
            with tarfile.open(options.data / ARCHIVE) as archive:
                archive.extractall(folder, filter="data")
        yield Path(folder) / "train"


def read_all(folder: Path) -> None:
    """Read every file once, so that whoever comes first doesn't pay for the disk."""
    for file in folder.rglob("*.jpg"):
        file.read_bytes()


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=3)
    parser.add_argument("--images", type=Path, metavar="DIR", help="CIFAR-10, unpacked")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"a folder with {ARCHIVE}")
    options = parser.parse_args()
    workers = 0 if options.quick else 2
    with train_folder(parser, options) as folder:
        read_all(folder)
        sides = [
            Side(name="zoo", measure=in_child("sides.folder:zoo_batches", path=str(folder))),
            Side(
                name="ImageFolder",
                measure=in_child(
                    "sides.folder:torchvision_batches", path=str(folder), workers=workers
                ),
                needs=("torchvision",),
                settings={"workers": workers},
            ),
        ]
        measure_and_show("folder_epochs", sides, COMPARISONS, options)


if __name__ == "__main__":
    main()
