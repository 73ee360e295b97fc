"""What is printed while a model trains: lines for people, JSON for programs."""

import io
import json
import math
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.reporting import EpochRow, Json, Lines, format_metrics, print_json

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
