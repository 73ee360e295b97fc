"""Tab is pressed in real shells: what zoo is then called with is what was completed."""

import pytest
from made_runs import made
from shells import STARTED, is_there, typed

from zoo.runs import tag

LINES = {
    "a command": ("zoo rep\t mnist", ["reproduce", "mnist"]),
    "a model": ("zoo train mnist-c\t--json", ["train", "mnist-cnn", "--json"]),
    "own data": (
        "zoo train mlp --dataset fol\tpic\tca\t --json",
        ["train", "mlp", "--dataset", "folder:pictures/cats/", "--json"],
    ),
    "a name with a space": (
        "zoo train mlp --dataset folder:my\\ m\t",
        ["train", "mlp", "--dataset", "folder:my music/"],
    ),
    "a flag with its value": (
        "zoo train mlp --dataset=dig\t",
        ["train", "mlp", "--dataset=digits"],
    ),
    "a setting": (
        "zoo train mnist-cnn --set model.wid\t64",
        ["train", "mnist-cnn", "--set", "model.width=64"],
    ),
    "a setting's value": (
        "zoo train mnist-cnn --set optimizer=adamw\t",
        ["train", "mnist-cnn", "--set", "optimizer=adamw"],
    ),
    "a run": ("zoo resume my-\t--json", ["resume", "my-run", "--json"]),
    "an alias": ("zoo eval @pro\t", ["eval", "@production"]),
    "after another command": ("true && zoo train mnist-c\t", ["train", "mnist-cnn"]),
    "nothing": ("zoo train no-such-mo\t", ["train", "no-such-mo"]),
}


@pytest.mark.parametrize("shell", STARTED)
def test_tab(shell, tmp_path):
    """Spaces stand where a word is over, and nowhere else."""
    if not is_there(shell):
        assert shell != "bash"
        pytest.skip(f"{shell} is not installed")
    tag(made("my-run"), "production")
    (tmp_path / "pictures" / "cats").mkdir(parents=True)
    (tmp_path / "my music").mkdir()
    found = typed(shell, [line for line, _ in LINES.values()], tmp_path)
    assert dict(zip(LINES, found, strict=True)) == {
        name: words for name, (_, words) in LINES.items()
    }
