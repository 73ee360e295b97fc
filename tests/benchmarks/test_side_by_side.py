"""Sides take turns in processes of their own, and their ratios are what they are said to be."""

import statistics
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mnist_epoch import better_workers
from side_by_side import (
    Comparison,
    Side,
    as_markdown,
    as_table,
    compare,
    in_child,
    timed,
    write_images,
    write_mnist,
)
from side_by_side._process import SideFailed
from sides._loader import train_loader, train_set
from sides._net import MEAN, STD
from sides.bare import prepared
from torchvision.datasets import ImageFolder

from zoo import read_image
from zoo_vision.mnist import mnist

POSITIVE = st.floats(1e-3, 1e3)


def comparison(**changed):
    """Ours against theirs, at least as fast."""
    settings = {"what": "ours / theirs", "figure": "samples/s", "ours": "a", "theirs": ("b",)}
    return Comparison(**{**settings, "goal": 1.0, **changed})


def rounds(**speeds):
    """Rounds of sides with these speeds."""
    return {name: [{"samples/s": speed} for speed in row] for name, row in speeds.items()}


def report(**speeds):
    """What `compare` returns for sides with these speeds, round by round."""
    sides = [
        Side(name=name, measure=lambda number, row=row: {"samples/s": row[number]})
        for name, row in speeds.items()
    ]
    count = len(next(iter(speeds.values())))
    return compare("trial", sides, [comparison()], rounds=count, say=lambda _: None)


def test_sides_take_turns():
    """A machine that grows slower would else make the last one look slow."""
    turns = []

    def side(name):
        return Side(name=name, measure=lambda number: turns.append((number, name)) or {"s": 1.0})

    compare("trial", [side("a"), side("b")], [], rounds=2, say=lambda _: None)
    assert turns == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]


def test_what_was_measured_is_reported_round_by_round():
    """Every figure, and their median."""
    found = report(a=[1.0, 5.0, 3.0], b=[2.0, 2.0, 2.0])
    assert found["sides"]["a"]["rounds"] == rounds(a=[1.0, 5.0, 3.0])["a"]
    assert found["sides"]["a"]["median"] == {"samples/s": 3.0}
    assert found["comparisons"][0]["value"] == 1.5


@given(
    st.lists(st.tuples(POSITIVE, POSITIVE, POSITIVE), min_size=1, max_size=5),
)
def test_what_slows_a_whole_round_changes_no_ratio(measured):
    """Ours and theirs are compared within a round, whatever else the machine did then."""
    calm = rounds(a=[a for a, _, _ in measured], b=[b for _, b, _ in measured])
    disturbed = rounds(a=[a * d for a, _, d in measured], b=[b * d for _, b, d in measured])
    expected = statistics.median(a / b for a, b, _ in measured)
    for measurements in (calm, disturbed):
        assert comparison().result(measurements)["value"] == pytest.approx(expected)


@given(POSITIVE, POSITIVE)
def test_times_are_compared_the_other_way_round(ours, theirs):
    """Half the time is twice as fast."""
    found = comparison(inverse=True).result(rounds(a=[ours], b=[theirs]))
    assert found["value"] == pytest.approx(theirs / ours)
    assert found["reached"] == (theirs / ours >= 1)


def test_of_several_others_the_hardest_to_beat_counts():
    """The fastest of them; where less is better, the most frugal."""
    measured = rounds(a=[6.0], b=[1.0], c=[3.0])
    found = comparison(theirs=("b", "c", "not measured")).result(measured)
    assert (found["value"], found["against"]) == (2.0, "c")
    found = comparison(theirs=("b", "c"), at_most=True).result(measured)
    assert (found["value"], found["against"]) == (6.0, "b")


@pytest.mark.parametrize(
    ("at_most", "value", "reached"),
    [(False, 0.9, False), (False, 1.0, True), (True, 1.0, True), (True, 1.1, False)],
)
def test_a_goal_is_a_floor_or_a_ceiling(at_most, value, reached):
    """The goal itself is enough."""
    found = comparison(at_most=at_most).result(rounds(a=[value], b=[1.0]))
    assert found["reached"] is reached


def test_a_goal_is_missed_where_a_round_lacks_what_is_required():
    """Being quick to the wrong place is no speed."""
    measured = {
        "a": [{"samples/s": 9.0, "accuracy": 0.991}, {"samples/s": 9.0, "accuracy": 0.989}],
        "b": [{"samples/s": 1.0, "accuracy": 0.9}] * 2,
    }
    assert comparison(requires={"accuracy": 0.99}).result(measured)["reached"] is False
    assert comparison(requires={"accuracy": 0.98}).result(measured)["reached"] is True


def test_a_side_that_lacks_a_distribution_is_left_out():
    """It isn't measured, a line says why, and what would need it has no value."""
    said = []
    missing = Side(name="b", measure=lambda _: 1 / 0, needs=("no-such-distribution",))
    ours = Side(name="a", measure=lambda _: {"samples/s": 1.0}, needs=("torch",))
    found = compare("trial", [ours, missing], [comparison()], rounds=1, say=said.append)
    assert list(found["sides"]) == ["a"]
    assert "no-such-distribution is not installed" in found["left_out"]["b"]
    assert said[0] == f"without b: {found['left_out']['b']}"
    assert found["versions"]["no-such-distribution"] is None
    assert found["comparisons"][0]["value"] is None
    assert "not measured" in as_table(found)


def test_the_table_shows_medians_spreads_and_goals():
    """In columns: figures of a side stand below those of another."""
    lines = as_table(report(a=[1000.0, 3000.0, 2000.0], b=[0.5, 0.5, 0.5])).splitlines()
    a, b = (next(line for line in lines if line.startswith(f"{name} ")) for name in "ab")
    assert a.split() == ["a", "samples/s", "2,000", "1,000", "3,000"]
    assert b.split() == ["b", "samples/s", "0.5", "0.5", "0.5"]
    assert a.index("2,000") == b.index("0.5")
    assert lines[-1].split() == ["ours", "/", "theirs", "≥", "1", "4e+03", "reached"]
    assert lines[0] == "trial, 3 rounds"


def test_markdown_has_tables_of_equal_rows():
    """A row with a cell too few breaks the table on the page."""
    found = report(a=[1.0], b=[2.0])
    text = as_markdown([found, found])
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert [len(table) for table in tables] == [2 + 2, 2 + 4]
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)
    assert "| ours / theirs | ≥ 1 | 0.5 | missed |" in text


@pytest.fixture
def side_package(write_package, monkeypatch, tmp_path):
    """Write a package that the processes of sides can import, too."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    return write_package


def test_a_side_runs_in_a_process_of_its_own(side_package):
    """With the settings it is given, on what looks like a terminal, in a home of its own."""
    name = side_package(
        """
        import os, sys

        def figures(factor):
            print("drawn", file=sys.stderr)
            return {
                "pid": os.getpid(),
                "factor": factor,
                "terminals": sys.stdout.isatty() + sys.stderr.isatty(),
                "in its home": os.environ["ZOO_HOME"].startswith(os.getcwd()),
            }
        """
    )
    measure = in_child(f"{name}:figures", factor=3)
    first, second = measure(0), measure(1)
    assert first["pid"] != second["pid"]
    assert {**first, "pid": 0} == {"pid": 0, "factor": 3, "terminals": 2, "in its home": True}


def test_a_side_that_fails_tells_why(side_package):
    """The end of its traceback: the one who compares has to find out."""
    name = side_package("def figures():\n    raise ValueError('no such peer')\n")
    with pytest.raises(SideFailed, match="ValueError: no such peer"):
        in_child(f"{name}:figures")(0)


def test_a_whole_process_is_timed_and_read():
    """From its start to its end; what it printed tells the rest."""
    measure = timed(
        lambda number: [sys.executable, "-c", f"print({number} + 1)"],
        lambda printed: {"printed": float(printed)},
    )
    figures = measure(4)
    assert figures["printed"] == 5.0
    assert figures["seconds"] > 0


def test_a_process_that_fails_is_no_figure():
    """A crash would else be the quickest of all."""
    with pytest.raises(SideFailed, match="out of luck"):
        timed(lambda _: [sys.executable, "-c", "exit('out of luck')"], lambda _: {})(0)


def test_a_peer_is_measured_with_the_workers_that_suit_it(side_package, tmp_path):
    """Each number is tried, on a part of the data."""
    name = side_package(
        """
        def two_are_better(root, epochs, workers, limit):
            return {"samples/s": 1.0 + workers}

        def none_are_better(root, epochs, workers, limit):
            return {"samples/s": 9.0 - workers}
        """
    )
    assert better_workers("a", f"{name}:two_are_better", tmp_path) == 2
    assert better_workers("b", f"{name}:none_are_better", tmp_path) == 0


def test_all_sides_are_given_the_same_images(tmp_path):
    """What torchvision and the bare loop make of MNIST's files is the same, and zoo's as well."""
    write_mnist(tmp_path, num_train=50, num_test=10)
    usual = train_set(str(tmp_path))
    samples, labels = prepared(str(tmp_path))
    theirs = torch.stack([image for image, _ in usual])
    found = [int((theirs - sample).abs().amax((1, 2, 3)).argmin()) for sample in samples]
    assert sorted(found) == list(range(50))
    torch.testing.assert_close(samples, theirs[found], rtol=0, atol=1e-5)
    assert labels.tolist() == [usual[index][1] for index in found]
    ours = mnist(tmp_path).train
    torch.testing.assert_close((ours.samples / 255 - MEAN) / STD, theirs, rtol=0, atol=1e-5)
    assert ours.labels.tolist() == [label for _, label in usual]


def test_a_part_of_the_data_is_a_part(tmp_path):
    """Of a limit beyond its size there is all; the batches hold each sample once."""
    write_mnist(tmp_path, num_train=50, num_test=10)
    assert len(train_set(str(tmp_path), 20)) == 20
    assert len(train_set(str(tmp_path), 90)) == 50
    sizes = [len(labels) for _, labels in train_loader(str(tmp_path), workers=0)]
    assert sizes == [32, 18]


def test_made_up_images_lie_as_image_folders_do(tmp_path):
    """Ten classes of colour images, in both splits."""
    write_images(tmp_path, num_train=2, num_test=1)
    folder = ImageFolder(str(tmp_path / "train"))
    assert len(folder.classes) == 10
    assert len(folder) == 20
    assert len(ImageFolder(str(tmp_path / "test"))) == 10
    assert read_image(folder.imgs[0][0], channels=3).shape == (3, 32, 32)
