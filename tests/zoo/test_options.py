"""Options are checked by name and by type before anything is built."""

import numpy as np
import pytest

from zoo._options import check_options
from zoo_registry import InvalidOption, OptimizerSpec, Option, Signature, options_of, read_signature

CNN = Signature(
    (
        Option("width", "int", 32),
        Option("dropout", "float", 0.1),
        Option("activation", "Literal['relu', 'tanh']", "relu", choices=("relu", "tanh")),
        Option("hidden", "tuple[int, ...]", (64,)),
        Option("bias", "bool", True),
    )
)


def check(values, signature=CNN, kind="model", **more):
    return check_options("vision/mnist-cnn", kind, signature, values, **more)


def refusal(values, *args, **more):
    with pytest.raises(InvalidOption) as caught:
        check(values, *args, **more)
    return str(caught.value)


def test_right_options_come_back_as_the_builder_asks_for_them():
    """A TOML list becomes the tuple, an int the float that is annotated; order is kept."""
    checked = check({"hidden": [8, 4], "dropout": 0, "width": 3})
    assert list(checked.items()) == [("hidden", (8, 4)), ("dropout", 0.0), ("width", 3)]
    assert type(checked["dropout"]) is float


def test_an_unknown_name_is_refused_with_the_nearest_and_all_there_are():
    """A slip of the pen is corrected, not ignored."""
    assert refusal({"widht": 3}) == (
        "vision/mnist-cnn has no option 'widht'; did you mean 'width'? "
        "Its options: width, dropout, activation, hidden, bias"
    )


def test_a_name_that_resembles_nothing_is_refused_with_all_there_are():
    """No far-fetched suggestion is made."""
    assert refusal({"zzz": 3}) == (
        "vision/mnist-cnn has no option 'zzz'. "
        "Its options: width, dropout, activation, hidden, bias"
    )


def test_a_component_without_options_says_so():
    """There is no empty list of names to read."""
    message = refusal({"width": 3}, Signature(()))
    assert message == "vision/mnist-cnn has no option 'width'; it has none at all"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": "abc"}, "model.width must be an int, not 'abc' (str)"),
        ({"width": 2.0}, "model.width must be an int, not 2.0 (float)"),
        ({"width": True}, "model.width must be an int, not True (bool)"),
        ({"width": None}, "model.width must be an int, not None (NoneType)"),
        ({"dropout": "0.5"}, "model.dropout must be a float, not '0.5' (str)"),
        ({"dropout": False}, "model.dropout must be a float, not False (bool)"),
        ({"bias": 1}, "model.bias must be a bool, not 1 (int)"),
        ({"bias": "False"}, "model.bias must be a bool, not 'False' (str); write false"),
        ({"hidden": 64}, "model.hidden must be a tuple[int, ...], not 64 (int)"),
        ({"hidden": [1, "a"]}, "model.hidden must be a tuple[int, ...], not [1, 'a'] (list)"),
        (
            {"hidden": "64,32"},
            "model.hidden must be a tuple[int, ...], not '64,32' (str); write [64,32]",
        ),
        (
            {"activation": "rellu"},
            "model.activation must be one of 'relu', 'tanh', not 'rellu' (str); "
            "did you mean 'relu'?",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(values, message):
    """The text names the option as it was written, what it takes and what it got."""
    assert refusal(values) == message


def test_a_long_value_is_cut_in_the_message():
    """An error has a few lines, whatever was given."""
    message = refusal({"width": "x" * 10_000})
    assert len(message) < 200


def test_a_missing_required_option_is_named():
    """It says how to give it; what will be filled later may be missing."""
    signature = Signature(
        (Option("in_features", "int", required=True), Option("depth", "int", required=True))
    )
    assert refusal({}, signature) == (
        "vision/mnist-cnn needs in_features and depth: --set model.in_features=…"
    )
    assert check({"depth": 2}, signature, filled=("in_features",)) == {"depth": 2}


def test_a_builder_that_takes_any_name_is_given_any():
    """Its own names are still checked by type."""
    signature = Signature((Option("width", "int"),), accepts_any=True)
    assert check({"other": object}, signature) == {"other": object}
    assert refusal({"width": "a"}, signature).startswith("model.width must be an int")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("optimizer", "lr", "optimizer.lr is no option; it is the recipe's own lr (--lr)"),
        ("dataset", "root", "it is the recipe's own data_dir (--data-dir)"),
        ("scheduler", "total_steps", "is no option; the training supplies it"),
    ],
)
def test_what_the_loop_supplies_can_not_be_set(kind, name, message):
    """Also where the builder takes any name: it would be given twice."""
    assert message in refusal({name: 1}, Signature((), accepts_any=True), kind)


def test_the_real_options_of_an_optimizer_are_checked():
    """The annotations of torch are understood: `float | Tensor` takes no string."""
    signature = options_of(OptimizerSpec(name="adamw", build="torch.optim.adamw:AdamW"))
    assert check({"betas": [0.8, 0.9], "fused": None}, signature, "optimizer") == {
        "betas": (0.8, 0.9),
        "fused": None,
    }
    assert refusal({"betas": [0.8, "high"]}, signature, "optimizer").startswith(
        "optimizer.betas must be a tuple[float | Tensor, float | Tensor], not [0.8, 'high']"
    )
    sgd = read_signature("torch.optim.sgd:SGD")
    assert "optimizer.weight_decay must be a float" in refusal(
        {"weight_decay": "high"}, sgd, "optimizer"
    )


def test_numbers_of_numpy_are_numbers():
    """A sweep over `np.logspace` gives its values straight to the API."""
    checked = check({"width": np.int64(8), "dropout": np.float32(0.5)})
    assert checked == {"width": 8, "dropout": 0.5}
    assert {type(value) for value in checked.values()} == {int, float}
