"""A stranger's card says what it likes, and gets neither memory nor the terminal for it."""

import json
import time

import pytest
from made_runs import zoo as command

import zoo
from zoo._printable import printable
from zoo.errors import IncompatibleWeights, InvalidOption, UnknownName
from zoo.weights import read_metadata, read_state_dict, save_weights

STEERING = "\x1b]0;title\x07\r\u202eslaf\ud800\x9b2J"


@pytest.fixture
def file(tmp_path):
    """A sound file of a model with its card, as a run stores it."""
    run = zoo.train("mlp", "digits", epochs=1, progress=False, set={"model.hidden": [8]})
    return run.weights.rename(tmp_path / "net.safetensors")


def recarded(file, **entries):
    """Give a file another card, sound in every other way."""
    card = json.loads(read_metadata(file)["zoo"]) | entries
    save_weights(read_state_dict(file), file, metadata={"zoo": json.dumps(card)})
    return file


def test_no_text_of_a_file_steers_the_terminal(file):
    """Names of classes, of models, of what to install: written out, and each on its line."""
    classes = [f"{number}\n{STEERING}digest none" for number in range(10)]
    recarded(file, classes=classes, dataset=f"a{STEERING}")
    shown = command("info", file)
    recarded(file, model=f"acme/{STEERING}", distribution=STEERING)
    shown += command("info", file) + command("predict", file, "README.md", code=2)
    assert not set(STEERING) - set("]0;title2Jslaf") & set(shown)
    assert "\\x1b]0;title\\x07\\r\\u202eslaf\\ud800\\x9b2J" in shown
    assert not [line for line in shown.splitlines() if line.startswith("\\x1b")]


def test_what_is_printed_as_it_is():
    """Letters of all scripts, and what lays out a line."""
    for text in ("häuser\tنص\n", "e\u0301 👩\u200d👧 \u00a0", ""):
        assert printable(text) == text


@pytest.mark.parametrize(
    "distribution", ["a; rm -rf ~", "$(id)", "", "-r x", "a b", "a\nb", "../a"]
)
def test_no_command_is_offered_that_a_shell_would_take_otherwise(file, distribution):
    """A line that is meant to be copied holds a name and a version, or is not there."""
    recarded(file, model="acme/net", distribution=distribution, version="1.0")
    for text in (command("info", file), command("predict", file, file, code=2)):
        assert "pip install" not in text
        assert "names no distribution" in text
    recarded(file, distribution="acme-zoo", version="1.0 --index-url x")
    assert "pip install" not in command("info", file)


@pytest.mark.parametrize("options", [{"hidden": [10**9]}, {"in_features": 10**12}])
def test_a_card_that_asks_for_any_width_takes_no_memory(file, options):
    """The model is measured before it is built."""
    recarded(file, options={"in_features": 784, "num_classes": 10, "hidden": [8], **options})
    started = time.process_time()
    with pytest.raises(IncompatibleWeights, match="not this file's card"):
        zoo.load_model(file)
    assert time.process_time() - started < 10


def test_a_card_that_does_not_quite_fit_is_told_tensor_by_tensor(file):
    """A plugin may have changed since."""
    recarded(file, options={"in_features": 784, "num_classes": 10, "hidden": [9]})
    with pytest.raises(IncompatibleWeights, match=r"\(8, 784\) float32 in the file"):
        zoo.load_model(file)
    recarded(file, options={"in_features": 784, "hiden": 3})
    with pytest.raises(InvalidOption, match="hiden"):
        zoo.load_model(file)


def test_a_card_nested_or_long_without_end_is_told(file):
    """Within seconds, in a few lines; `zoo info` still says what else there is."""
    card = read_metadata(file)["zoo"]
    state = read_state_dict(file)
    nested = card.replace('"options":{', '"options":{"a":' + "[" * 100_000 + "]" * 100_000 + ",")
    long = card.replace("vision/mlp", "m" * 5_000_000)
    for text in (nested, long):
        save_weights(state, file, metadata={"zoo": text})
        started = time.process_time()
        with pytest.raises(IncompatibleWeights, match="can't be read") as raised:
            zoo.load_model(file)
        assert len(str(raised.value)) < 500
        assert len(command("info", file)) < 2_000
        assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "vision/../mlp", "/mlp", "v\u0131sion/mlp", "a\0b"]
)
def test_a_models_name_is_never_a_path(file, name):
    """It is looked up among the plugins' models, letter by letter."""
    recarded(file, model=name)
    with pytest.raises(UnknownName):
        zoo.load_model(file)
