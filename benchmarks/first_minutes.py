"""What a newcomer waits for: listing, the first training on digits, real MNIST to 99%.

    python benchmarks/first_minutes.py [--mnist DIR] [--rounds 15] [--json]

Every figure is the wall time of a whole process, start-up included. `zoo list` is measured
against a bare interpreter, the two in turn; DIR is a root with `MNIST/raw` under it.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ZOO = str(Path(sys.executable).with_name("zoo"))


def seconds(*command: str, **environment: str) -> tuple[float, str]:
    """Run a command; return its wall time and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return time.perf_counter() - started, done.stdout


def listing(rounds: int) -> dict[str, float]:
    """Measure `zoo list` against `python -c pass`, in turn."""
    bare, listed = [], []
    for _ in range(rounds):
        bare.append(seconds(sys.executable, "-c", "pass")[0])
        listed.append(seconds(ZOO, "list")[0])
    medians = statistics.median(bare), statistics.median(listed)
    return {"bare_s": medians[0], "zoo_list_s": medians[1], "ratio": medians[1] / medians[0]}


def training(home: str, *arguments: str, **environment: str) -> dict[str, float]:
    """Measure `zoo train` to its end; return its time and what it reached."""
    wall, printed = seconds(ZOO, "train", *arguments, "--json", ZOO_HOME=home, **environment)
    return {"wall_s": wall, "accuracy": json.loads(printed.splitlines()[-1])["metrics"]["accuracy"]}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mnist", type=Path, help="root with MNIST/raw under it")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="zoo-benchmark-")
    try:
        found: dict[str, Any] = {
            "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
            "versions": {name: version(name) for name in ("zoo-registry", "torch")},
            "zoo list": listing(options.rounds),
            "digits, offline": training(home, "mnist-cnn", ZOO_OFFLINE="1"),
            "digits, network found missing": training(home, "mnist-cnn"),
        }
        if options.mnist is not None:
            found["mnist"] = training(home, "mnist-cnn", "--data-dir", str(options.mnist))
    finally:
        shutil.rmtree(home)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
        print(f"{name:<30} {'  '.join(shown)}")


if __name__ == "__main__":
    main()
