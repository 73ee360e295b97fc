"""`zoo runs` chooses, sorts and prints what was asked for."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import begun, listed, made, zoo

from zoo.errors import InvalidOption
from zoo.home import home, runs_dir
from zoo.runs import (
    Query,
    Summary,
    find_run,
    list_runs,
    parse_condition,
    select,
    sort,
    summaries,
    tag,
)


def recipe(model, dataset):
    return f'model = "{model}"\ndataset = "{dataset}"\nmonitor = "accuracy:max"\n'


@pytest.fixture
def several():
    """Four runs, the last one the newest."""
    digits, mnist = "vision/digits", "vision/mnist"
    made("cnn-1", recipe=recipe("vision/cnn", digits), metrics={"accuracy": 0.8, "loss": 0.4})
    made("cnn-2", recipe=recipe("vision/cnn", mnist), metrics={"accuracy": 0.9, "loss": 0.3})
    made("mlp-1", "failed", recipe=recipe("vision/mlp", digits), metrics={"loss": 0.2})
    made("net", "stopped", recipe=recipe("acme/cnn", digits), metrics={"accuracy": 0.7})
    tag(find_run("cnn-2"), "production")


ASKED = {
    "": ["net", "mlp-1", "cnn-2", "cnn-1"],
    "cnn*": ["cnn-2", "cnn-1"],
    "cnn-1 net": ["net", "cnn-1"],
    "*-1 --state done": ["cnn-1"],
    "--state done cnn*": ["cnn-2", "cnn-1"],
    "--state failed --state stopped": ["net", "mlp-1"],
    "--model cnn": ["net", "cnn-2", "cnn-1"],
    "--model vision/*": ["mlp-1", "cnn-2", "cnn-1"],
    "--model vision/cnn --dataset mnist": ["cnn-2"],
    "--dataset digits --dataset mnist --limit 2": ["net", "mlp-1"],
    "--alias production": ["cnn-2"],
    "--alias @production": ["cnn-2"],
    "--tagged": ["cnn-2"],
    "--where accuracy>0.75": ["cnn-2", "cnn-1"],
    "--where accuracy>=0.8 --where loss<0.35": ["cnn-2"],
    "--where accuracy!=0.8": ["net", "cnn-2"],
    "--where loss=0.2": ["mlp-1"],
    "--where seconds<0": [],
    "--sort accuracy": ["cnn-2", "cnn-1", "net", "mlp-1"],
    "--sort accuracy --reverse": ["net", "cnn-1", "cnn-2", "mlp-1"],
    "--sort loss": ["mlp-1", "cnn-2", "cnn-1", "net"],
    "--sort name": ["cnn-1", "cnn-2", "mlp-1", "net"],
    "--sort name --reverse --limit 1": ["net"],
    "--sort model": ["net", "cnn-2", "cnn-1", "mlp-1"],
    "--sort created": ["net", "mlp-1", "cnn-2", "cnn-1"],
    "--reverse": ["cnn-1", "cnn-2", "mlp-1", "net"],
    "nothing*": [],
}


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("asked", ASKED)
def test_the_list_is_what_was_asked_for(asked):
    """By each flag alone and by some together, before and after patterns."""
    assert listed(*asked.split()) == ASKED[asked]


@pytest.mark.usefixtures("several")
def test_seconds_are_sorted_too():
    """The quickest first; what has not ended comes last."""
    begun("running")
    times = {run.name: run.record.get("seconds", math.inf) for run in list_runs()}
    names = listed("--sort", "seconds")
    assert [times[name] for name in names] == sorted(times.values())
    assert names[-1] == "running"


@pytest.mark.usefixtures("several")
def test_the_table_has_a_line_for_each_run_with_its_aliases():
    """Shown is the metric that chose the weights, or the one that it is sorted by."""
    header, *lines = zoo("runs").splitlines()
    assert header.split() == ["RUN", "STATE", "METRIC", "DATASET", "CREATED", "ALIASES"]
    assert [line.split()[0] for line in lines] == ["net", "mlp-1", "cnn-2", "cnn-1"]
    assert re.fullmatch(
        r"cnn-2  done     accuracy 0\.9000  vision/mnist   \d{4}-\d\d-\d\dT\d\d:\d\d  production",
        lines[2],
    )
    assert len({line.index("vision/") for line in lines}) == 1
    assert "loss 0.3000" in zoo("runs", "--sort", "loss", "cnn-2")


@pytest.mark.usefixtures("several")
def test_json_has_all_that_is_listed():
    """An array, one run a line, for programs."""
    printed = zoo("runs", "cnn-*", "--json")
    assert len(printed.splitlines()) == 4
    row = json.loads(printed)[0]
    run = find_run("cnn-2")
    assert row == {
        "name": "cnn-2",
        "state": "done",
        "model": "vision/cnn",
        "dataset": "vision/mnist",
        "metrics": {"accuracy": 0.9, "loss": 0.3},
        "created": run.created,
        "seconds": run.record["seconds"],
        "aliases": ["production"],
        "path": str(run.path),
    }
    assert json.loads(zoo("runs", "nothing", "--json")) == []


def test_a_recipe_without_a_model_is_listed_all_the_same():
    """As null: it says none."""
    made("odd", recipe="model = 3\n", metrics={})
    (row,) = json.loads(zoo("runs", "--json"))
    assert (row["model"], row["dataset"]) == (None, None)
    assert listed("--model", "*") == ["odd"]


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("--where acuracy>0.9", "did you mean accuracy?"),
        ("--where accuracy", "is no condition"),
        ("--where accuracy>high", "is no condition"),
        ("--where accuracy>nan", "is no condition"),
        ("--sort acuracy", "did you mean accuracy?"),
        ("--sort nme", "name"),
        ("--alias prodution", "closest: production"),
        ("--state asleep", "running"),
        ("--limit 0", "--limit"),
        ("--limit 3 show net", "go with no subcommand"),
        ("--tagged rm net", "go with no subcommand"),
    ],
)
def test_what_makes_no_sense_is_answered(asked, hint):
    """With what there is; no run is touched."""
    assert hint in zoo("runs", *asked.split(), code=2)
    assert len(summaries()) == 4


def test_an_empty_list_says_why(capsys):
    """There is nothing yet, or nothing of that kind, or a subcommand was mistyped."""
    assert zoo("runs") == ""
    made("mine")
    assert zoo("runs", "shwo") == ""
    assert json.loads(zoo("runs", "shwo", "--json")) == []


def test_a_word_that_is_a_subcommand_is_one():
    """And what stands before it may be `--json`."""
    made("show")
    assert json.loads(zoo("runs", "--json", "show", "show"))["name"] == "show"
    assert listed("s*w") == ["show"]


def test_a_damaged_run_is_listed_and_shown_with_what_is_wrong():
    """All others are listed as ever."""
    made("whole", metrics={"accuracy": 0.5})
    folder = made("damaged").path
    (folder / "metrics.jsonl").write_text("{}\n")
    shown = json.loads(zoo("runs", "show", "damaged", "--json"))
    assert (shown["state"], shown["history"]) == ("done", [])
    assert "metrics.jsonl is not what the run stored" in shown["reason"]
    (folder / "run.json").write_text("{}")
    assert [row.state for row in summaries()] == ["damaged", "done"]
    assert "run.json" in zoo("runs", "show", "damaged")
    assert listed("--sort", "accuracy") == ["whole", "damaged"]


def test_a_folder_of_runs_that_cannot_be_read_is_named():
    """An empty list would be a lie."""
    home().mkdir()
    runs_dir().write_text("")
    assert "Check ZOO_HOME" in zoo("runs", code=1)


NAMES = st.sampled_from(["a", "b", "ab", "ba"])
ROWS = st.builds(
    Summary,
    name=NAMES,
    state=st.sampled_from(["done", "failed"]),
    model=NAMES,
    dataset=NAMES,
    monitor=st.just(""),
    best=st.none(),
    created=st.sampled_from(["2026", "2027"]),
    seconds=st.none() | st.floats(0, 9),
    metrics_json=st.dictionaries(
        st.sampled_from(["accuracy", "loss"]), st.none() | st.floats(0, 1)
    ).map(json.dumps),
)


@given(st.lists(ROWS, max_size=8), st.sampled_from(["accuracy", "loss"]), st.booleans())
def test_sorting_by_a_metric_puts_the_best_first_and_loses_nothing(rows, key, reverse):
    """What has no such metric comes last, in the order it had."""
    if not any(row.metrics.get(key) is not None for row in rows):
        return
    found = sort(rows, key, reverse=reverse)
    numbers = [row.metrics.get(key) for row in found]
    have = [number for number in numbers if number is not None]
    assert have == sorted(have, reverse=(key == "accuracy") != reverse)
    assert numbers[len(have) :] == [None] * (len(numbers) - len(have))
    missing = [row for row in rows if row.metrics.get(key) is None]
    assert [row for row in found if row.metrics.get(key) is None] == missing
    assert sorted(map(repr, found)) == sorted(map(repr, rows))


@given(st.lists(ROWS, max_size=8), st.floats(0, 1))
def test_a_condition_and_its_opposite_part_those_that_have_the_metric(rows, limit):
    """A run that lacks it fulfils neither."""
    if not any(row.metrics.get("loss") is not None for row in rows):
        return
    have = [row for row in rows if row.metrics.get("loss") is not None]
    for condition, opposite in (("<", ">="), (">", "<="), ("=", "!=")):
        first, second = (
            select(rows, Query(conditions=[parse_condition(f"loss {sign} {limit!r}")]))
            for sign in (condition, opposite)
        )
        assert sorted(map(repr, first + second)) == sorted(map(repr, have))


def test_a_metric_that_is_not_known_is_sorted_with_the_highest_first():
    """A plugin's; the training's metrics go as the test's."""
    for name, value in (("a", 0.1), ("b", 0.3), ("c", 0.2)):
        made(name, metrics={"score": value, "train_loss": value})
    assert listed("--sort", "score") == ["b", "c", "a"]
    assert listed("--sort", "train_loss") == ["a", "c", "b"]


def test_a_condition_may_have_spaces():
    """As one writes it."""
    assert parse_condition(" accuracy >= 1e-3 ") == parse_condition("accuracy>=0.001")
    with pytest.raises(InvalidOption, match="accuracy>0.9"):
        parse_condition("")


def test_odd_names_and_metrics_are_printed(monkeypatch):
    """Quotes, other alphabets and what parts fields in the index; now, and from the index."""
    monkeypatch.setattr("zoo.runs._summary._SETTLED", -(10**12))
    text = 'model = "ä\\"b"\ndataset = "größer\\u001f\\\\"\nmonitor = "r2:max"\n'
    made("odd", recipe=text, metrics={'"q\x1f': 1, "r2": math.nan})
    for _ in range(2):
        (row,) = json.loads(zoo("runs", "--json"))
        assert (row["model"], row["dataset"]) == ('ä"b', "größer \\")
        assert row["metrics"] == {'"q\x1f': 1, "r2": None}
        assert "r2 nan" in zoo("runs")
        assert listed("--where", "r2>0") == []
