"""What is seen of a transfer, and what Tab offers."""

import io
import re

import pytest
from hub_commands import REPO, zoo

import zoo as api
from zoo.cli._completion._shells import SHELLS
from zoo.cli._main import cli
from zoo.hub._curves import draw_curves
from zoo.hub._progress import Bar, in_words


def test_tab_offers_what_was_pulled(pushed, monkeypatch):
    """After `zoo pull`, and after `hf:` wherever a run can stand."""
    api.pull(REPO, progress=False)
    pushed.repos[REPO].tags["v1"] = pushed.repos[REPO].refs["main"]
    api.pull(f"{REPO}@v1", progress=False)

    def tab(line):
        monkeypatch.setenv("COMP_LINE", line)
        asked = SHELLS["zsh"](cli, {}, "zoo", "_ZOO_COMPLETE")
        return [item.value for item in asked.get_completions(*asked.get_completion_args())]

    assert tab("zoo pull ada") == [REPO, f"{REPO}@v1"]
    assert tab("zoo push mlp ada") == [REPO]
    assert tab("zoo predict hf:a") == [f"hf:{REPO}", f"hf:{REPO}@v1"]
    assert tab("zoo push ml") == ["mlp"]


def test_a_bar_is_shown_on_a_terminal(pushed, monkeypatch):
    """With what is done, how much it is, how fast, and what time is left; it is gone at last."""
    from rich.console import Console

    from zoo.hub import parse_place, pull_model

    screen = io.StringIO()
    bar = Bar()
    console = Console(file=screen, force_terminal=True, width=100)
    bar._console = bar._bar.live.console = console
    pull_model(parse_place(REPO), bar)
    bar.note("a note")
    assert "pulling ada/digits" in screen.getvalue()
    assert re.search(r"[0-9.]+/[0-9.]+ kB.*[0-9-]:[0-9-]{2}:[0-9-]{2}", screen.getvalue())
    assert screen.getvalue().endswith("a note\n")


def test_a_file_that_is_sent_again_is_counted_once(tmp_path):
    """What is shown as sent never is more than there is."""
    from zoo.hub._calls import _BUFFER, _Counting, _Sent

    (tmp_path / "file").write_bytes(bytes(300_000))
    told = []
    sent = _Sent(told.append)
    with io.BufferedReader(_Counting(str(tmp_path / "file"), sent), _BUFFER) as stream:
        stream.read(200_000)
        stream.seek(0)
        while stream.read(_BUFFER):
            pass
    assert sent._bytes == 300_000
    assert all(event["bytes"] <= 300_000 for event in told)


@pytest.mark.parametrize(
    ("size", "words"), [(12, "0.0 kB"), (1500, "1.5 kB"), (2_500_000, "2.5 MB")]
)
def test_sizes_are_told_in_words(size, words):
    """As people write them."""
    assert in_words(size) == words


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"epoch": 1, "loss": 1.0}],
        [{"epoch": 1}, {"epoch": 2}],
        [{"epoch": 1, "loss": None}, {"epoch": 2, "loss": None}],
    ],
)
def test_no_picture_is_drawn_of_nothing(rows):
    """A line needs two points."""
    assert draw_curves(rows, "accuracy") is None


@pytest.mark.parametrize("values", [(1.0, 1.0), (0.0, 0.0), (1e-12, 1e12), (-5.0, 5.0)])
def test_a_picture_is_drawn_of_any_numbers(values):
    """Those that are equal, too."""
    rows = [{"epoch": n + 1, "loss": value} for n, value in enumerate(values)]
    assert draw_curves(rows, "loss")


def test_the_help_says_what_codes_mean():
    """Of a push."""
    told = " ".join(zoo("push", "--help").out.split())
    assert "3: nobody answered, and it is not known; 75 and 130: stopped" in told
