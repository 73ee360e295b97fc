"""Write `digits.npz` from the copy of the data that scikit-learn installs.

Run as `python make_digits.py`; needs scikit-learn. The same input gives the same bytes.
"""

import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

TEST_SHARE = 0.2
_SEED = 0


def read_source() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return images (1797, 8, 8) with values 0..16, and labels (1797,), all uint8."""
    spec = importlib.util.find_spec("sklearn")  # found, not imported: only its data is needed
    if spec is None or spec.origin is None:
        raise SystemExit("make_digits.py needs scikit-learn: pip install scikit-learn")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",").astype(np.uint8)
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1]


def draw_test(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a mask (N,) of the test split: the same share of each class, drawn at random."""
    random = np.random.Generator(np.random.PCG64(_SEED))
    is_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        is_test[random.permutation(members)[: round(TEST_SHARE * len(members))]] = True
    return is_test


def main() -> None:
    """Write the file beside this one."""
    images, labels = read_source()
    target = Path(__file__).with_name("digits.npz")
    np.savez_compressed(target, images=images, labels=labels, is_test=draw_test(labels))


if __name__ == "__main__":
    main()
