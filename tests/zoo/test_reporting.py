"""What is printed while a model trains: lines for people, JSON for programs."""

import io
import json
import math
import os
import re
import subprocess
import sys
import textwrap
from contextlib import redirect_stdout, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.reporting import EpochRow, Json, Lines, Started, format_metrics, print_json

if sys.platform != "win32":
    import pty
    import termios

FLOATS = st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | FLOATS | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
)


def row(**metrics):
    """Make a row of the history."""
    return EpochRow(
        epoch=1, step=7, lr=0.1, seconds=1.0, samples_per_second=math.inf, metrics=metrics
    )


def refuse(constant):
    """Stand where a parser meets NaN or Infinity."""
    raise AssertionError(f"{constant} is no JSON")


@given(VALUES)
def test_any_value_is_printed_as_strict_json(value):
    """On one line, with null for what JSON has no number for."""
    stream = io.StringIO()
    print_json(value, stream)
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    json.loads(text, parse_constant=refuse)


@given(FLOATS)
def test_a_number_comes_back_as_it_was(value):
    """Or as None, where it is none."""
    stream = io.StringIO()
    print_json({"x": [value]}, stream)
    expected = value if math.isfinite(value) else None
    assert json.loads(stream.getvalue()) == {"x": [expected]}


def test_a_type_without_json_is_printed_as_text(tmp_path):
    """A path, for instance."""
    stream = io.StringIO()
    print_json({"path": tmp_path}, stream, indent=2)
    assert json.loads(stream.getvalue()) == {"path": str(tmp_path)}
    assert len(stream.getvalue().splitlines()) == 3


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_metric_that_is_not_defined_is_shown_as_nan(value):
    """Whether it comes from a training or from a file, where it is null."""
    assert format_metrics({"r2": value, "train_loss": 0.25}) == "r2 nan  train loss 0.2500"


def test_json_keeps_the_stream_it_was_made_with():
    """While others print, stdout may be somewhere else."""
    ours, others = io.StringIO(), io.StringIO()
    with redirect_stdout(ours):
        reporter = Json()
    with redirect_stdout(others):
        reporter.epoch_ended(row(loss=math.nan))
        reporter.ended({"metrics": {"loss": math.inf}})
    assert others.getvalue() == ""
    rows = [json.loads(line) for line in ours.getvalue().splitlines()]
    assert rows[0]["loss"] is None
    assert rows[0]["samples_per_second"] is None
    assert rows[1] == {"metrics": {"loss": None}}


def test_lines_end_with_the_stored_metrics_and_the_place(capsys):
    """Also where one of them is null."""
    Lines().ended(
        {"metrics": {"loss": 0.5, "r2": None}, "best_epoch": 3, "seconds": 2.0, "run": "a-1",
         "path": "/runs/a-1"}
    )  # fmt: skip
    assert capsys.readouterr().out == (
        "loss 0.5000  r2 nan (epoch 3), 2.0 s; stored as a-1\n  /runs/a-1\n"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"sample_shape": (3, 57, 60), "num_classes": 4}, "36 + 12 samples of 3x57x60, 4 classes"),
        ({"sample_shape": (4,), "num_test": 0}, "36 samples of 4 numbers"),
        ({"sample_shape": (), "step": 7}, "36 + 12 samples), cpu, from step 7"),
    ],
)
def test_the_first_line_says_what_the_data_are(facts, said, capsys):
    """Sizes and classes were decided by the data, or by what the model expects of them."""
    known = {
        "run": "net-1", "model": "net", "dataset": "dots", "device": "cpu", "num_parameters": 12,
        "num_train": 36, "num_test": 12, "epochs": 2, "num_batches": 2, "monitor": "loss",
    }  # fmt: skip
    Lines().started(Started(**{**known, **facts}))
    assert said in capsys.readouterr().out


def test_lines_prefer_the_tests_metrics(capsys):
    """And keep of the training's the loss."""
    Lines().epoch_ended(row(train_loss=0.5, train_accuracy=0.1, accuracy=0.75))
    shown = capsys.readouterr().out
    assert "train loss 0.5000  accuracy 0.7500" in shown
    assert "0.1000" not in shown


def test_printing_costs_no_torch():
    """Commands that only look at runs print with it, too."""
    code = "import sys, zoo.reporting; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def run_on_a_terminal(code):
    """Run Python whose stdout and stderr are a terminal; return its exit code and its screen."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1"},
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # EIO once nobody writes
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


WATCHED = """
    import time
    from collections import namedtuple
    from zoo.reporting import EpochRow, Lines, Started, screen_reporter

    Batch = namedtuple("Batch", "size")
    reporter = screen_reporter()
    assert type(reporter) is not Lines
    reporter.started(
        Started(
            run="net-1", model="net", dataset="[dots]", device="cpu", num_parameters=12,
            num_train=20, num_test=0, epochs=2, num_batches=2, step=2, monitor="loss",
        )
    )
    seen = []
    for batch in reporter.watch(iter([Batch(10), Batch(10)]), 2, lambda: 0.1234567):
        seen.append(batch)
        time.sleep(0.6)  # more than between two drawings
    assert seen == [Batch(10), Batch(10)]
    metrics = {"loss": 0.5, "train_loss": 0.75}
    row = EpochRow(
        epoch=2, step=4, lr=0.1, seconds=1.0, samples_per_second=9876.0, metrics=metrics
    )
    reporter.note("a note")
    reporter.epoch_ended(row)
    time.sleep(0.6)
    reporter.ended(
        {"metrics": metrics, "best_epoch": 2, "seconds": 2.0, "run": "net-1", "path": "/runs/net-1"}
    )
    reporter.close()
    print("after")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
class TestBar:
    """What a person sees who watches a terminal."""

    def test_it_shows_how_far_the_training_is(self):
        """Epoch, share, loss, metric and speed, of a run that goes on at half of its steps."""
        code, shown = run_on_a_terminal(WATCHED)
        assert code == 0, shown
        drawn = [part for part in re.split(r"[\r\n]", plain(shown)) if part.startswith("epoch ")]
        assert any(re.search(r"^epoch 1/2 .* 50% loss nan +0 samples/s", row) for row in drawn)
        assert any(
            re.search(r"^epoch 2/2 .* 75% loss 0\.1235 .*\d samples/s", row) for row in drawn
        )
        assert any(re.search(r"^epoch 2/2 .*100% loss 0\.1235 loss 0\.5000 ", row) for row in drawn)

    def test_epochs_too_short_to_be_drawn_count_all_the_same(self):
        """Where an epoch takes less time than lies between two drawings, each is shown as over."""
        short = WATCHED.replace("time.sleep(0.6)  # more", "time.sleep(0.01)  # less")
        code, shown = run_on_a_terminal(short)
        assert code == 0, shown
        drawn = [part for part in re.split(r"[\r\n]", plain(shown)) if part.startswith("epoch ")]
        assert any(
            re.search(r"^epoch 2/2 .*100% loss 0\.1235 .*[1-9][\d,]* samples/s", row)
            for row in drawn
        )

    def test_it_goes_and_the_lines_stay(self):
        """Notes, epochs and the outcome, as in a file; what looks like markup is text."""
        _, shown = run_on_a_terminal(WATCHED)
        lines = [line for line in shown.replace("\r", "\n").splitlines() if line]
        texts = [plain(line) for line in lines]
        for expected in (
            "training net (12 parameters) on [dots] (20 samples), cpu, from step 2",
            "a note",
            "epoch 2/2  train loss 0.7500  loss 0.5000  9,876 samples/s  1.0 s",
            "loss 0.5000  train loss 0.7500 (epoch 2), 2.0 s; stored as net-1",
            "  /runs/net-1",
        ):
            assert expected in texts
        assert texts[-1] == "after"
        assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0, "the cursor is back"

    def test_a_training_that_fails_leaves_the_screen_in_order(self):
        """The cursor is shown again, below the bar, whatever ended it."""
        failing = WATCHED.partition("    metrics =")[0] + "    reporter.close()\n    print('after')"
        code, shown = run_on_a_terminal(failing)
        assert code == 0, shown
        assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0
        assert plain(shown).splitlines()[-1].endswith("after")


def plain(text):
    """The text without what moves the cursor and colours it."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_pipe_gets_lines():
    """On the other side is a file or a program, which has no use for a bar."""
    code = "from zoo.reporting import screen_reporter; print(type(screen_reporter()).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Lines\n"
