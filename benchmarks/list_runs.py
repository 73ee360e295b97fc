"""What a list of ten thousand runs takes: `zoo runs` beside a bare interpreter.

    python benchmarks/list_runs.py [--runs N] [--rounds N] [--json] [--quick]

Every figure is the wall time of a whole process, start-up included. The folders are made once, in a
temporary ZOO_HOME. Measured are the table, the JSON, the ten best by a metric, and the list whose
index was lost, which reads every folder.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from side_by_side import Comparison, Side, measure_and_show, options_parser, say

from zoo._sealed import seal
from zoo.home import runs_dir
from zoo.runs import RunWriter, lineage

ZOO = str(Path(sys.executable).with_name("zoo"))
SECONDS = 0.3
"""That a list of ten thousand runs may take."""
BARE, LIST, AS_JSON, BEST, LOST = (
    "python -c pass",
    "zoo runs",
    "zoo runs --json",
    "zoo runs --sort accuracy --limit 10",
    "zoo runs, index lost",
)
RECIPE = """\
model = "vision/mnist-cnn"
dataset = "vision/digits"
optimizer = "optim/adamw"
scheduler = "optim/one-cycle"
loss = "optim/cross-entropy"
monitor = "accuracy:max"
epochs = 12
batch_size = 256
lr = 0.01
seed = 0

[options.model]
width = 32
"""


def make_runs(count: int) -> None:
    """Fill ZOO_HOME with runs: one is made as trainings make it, the others after its pattern."""
    writer = RunWriter.create("first", "", RECIPE, {**lineage(), "best_epoch": 11})
    writer.append_metrics({"epoch": 1, "accuracy": 0.5})
    record = dict(writer.finish("done", metrics={"loss": 0.1, "accuracy": 0.5}).record)
    began = datetime.now(UTC)
    for number in range(1, count):
        folder = runs_dir() / f"mnist-cnn-digits-{number}"
        folder.mkdir()
        for name in ("recipe.toml", "metrics.jsonl"):
            (folder / name).write_bytes((writer.path / name).read_bytes())
        changed = {
            "name": folder.name,
            "created": (began - timedelta(minutes=number)).isoformat(timespec="microseconds"),
            "metrics": {"loss": 1 / number, "accuracy": 1 - 1 / number, "top5": 1.0},
        }
        (folder / "run.json").write_text(seal({**record, **changed}), encoding="utf-8")


def timed(count: int, *command: str) -> Callable[[int], dict[str, float]]:
    """Return a measurement of a process: its seconds, and of runs that it lists how many in one."""

    def measure(_round: int) -> dict[str, float]:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, **({"runs/s": count / seconds} if count else {})}

    return measure


def without_index(count: int) -> Callable[[int], dict[str, float]]:
    """Return a measurement of the list after the index was lost."""
    listed = timed(count, ZOO, "runs")

    def measure(number: int) -> dict[str, float]:
        for file in runs_dir().parent.glob("index.sqlite*"):
            file.unlink()
        return listed(number)

    return measure


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = options_parser(__doc__, rounds=9)
    parser.add_argument("--runs", type=int, metavar="N", help="default: 10000")
    options = parser.parse_args()
    count = options.runs or (50 if options.quick else 10_000)
    sides = [
        Side(name=BARE, measure=timed(0, sys.executable, "-c", "pass")),
        Side(name=LOST, measure=without_index(count), settings={"runs": count}),
        *(
            Side(name=name, measure=timed(count, ZOO, *name.split()[1:]), settings={"runs": count})
            for name in (LIST, AS_JSON, BEST)
        ),
    ]
    comparisons = [
        Comparison(
            what=f"{name}, beside a bare start, and in {SECONDS} s",
            figure="seconds",
            ours=name,
            theirs=(BARE,),
            goal=20,
            at_most=True,
            requires={"runs/s": count / SECONDS},
        )
        for name in (LIST, AS_JSON, BEST)
    ]
    with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as home:
        os.environ["ZOO_HOME"] = home
        say(f"making {count:,} runs")
        make_runs(count)
        time.sleep(2.5)  # what was written a moment ago is read again by the next list
        measure_and_show("list_runs", sides, comparisons, options)


if __name__ == "__main__":
    main()
