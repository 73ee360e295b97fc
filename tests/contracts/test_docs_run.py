"""What the documentation shows runs, and prints what it shows."""

import json
import os
import re
import subprocess
import sys

import pytest
from markdown_pages import README, blocks, code, commands, page, rows, sections
from safetensors import safe_open

import zoo_registry
from zoo.recipe import make_plans, read_recipe

HOME = "/home/ada/.local/share/zoo"
"""Where the README's reader has his ZOO_HOME."""


def python(folder, *arguments, path=""):
    """Run Python in `folder`, with a ZOO_HOME of its own in it."""
    settings = {
        "ZOO_HOME": str(folder / "home"),
        "ZOO_OFFLINE": "1",
        "ZOO_PLUGINS": f"arrays,optim,vision{',logbook' if path else ''}",
        "PYTHONPATH": os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **settings},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of packages with the guide's logbook installed."""
    folder = tmp_path_factory.mktemp("site")
    (block,) = [block for block in blocks(page("plugins")) if block.title == "logbook.py"]
    (folder / "logbook.py").write_text(block.text)
    metadata = folder / "logbook-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: logbook\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[zoo]\nlogbook = logbook\n")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, site):
    """A folder in which `mlp` was trained for an epoch, with the logbook installed."""
    folder = tmp_path_factory.mktemp("trained")
    flags = ("--dataset", "digits", "--epochs", "1", "--name", "trained")
    done = python(folder, "-m", "zoo", "train", "mlp", *flags, path=str(site))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def run(trained):
    """The folder of the run in it."""
    return trained / "home" / "runs" / "trained"


def explained(section):
    """The keys that a section's tables explain."""
    return {key for row in rows(section) for key in code(row[0])}


def test_the_readme_runs(tmp_path):
    """Its Python, block after block, as a newcomer types it."""
    own = [
        block for block in blocks(README.read_text(encoding="utf-8"), "python") if not block.title
    ]
    (tmp_path / "readme.py").write_text("".join(block.text for block in own), encoding="utf-8")
    done = python(tmp_path, "-W", "error", "readme.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^mnist-cnn-digits-1 \S+ 0\.9\d+$", done.stdout, re.MULTILINE)
    assert (tmp_path / "net.safetensors").exists()


@pytest.mark.parametrize("name", ["data", "export", "runs"])
def test_the_pages_run(name, tmp_path):
    """Likewise the Python of the pages."""
    text = "".join(block.text for block in blocks(page(name), "python"))
    assert "zoo.train" in text
    (tmp_path / "page.py").write_text(text, encoding="utf-8")
    done = python(tmp_path, "-W", "error", "page.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_recipes_that_are_shown_can_be_trained(tmp_path):
    """Every key and every option in them is one."""
    registry = zoo_registry.load(only=["arrays", "optim", "vision"])
    shown = [
        block.text
        for text in (README.read_text(encoding="utf-8"), page("recipes"))
        for block in blocks(text, "toml")
        if not block.title
    ]
    assert len(shown) == 3
    for number, text in enumerate(shown):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        plan = make_plans({"model": str(file)}, registry)[0]
        told = {key: value for key, value in read_recipe(file).items() if key in COMPARED}
        assert told.items() <= plan.settings.items()
        assert told


def test_a_dry_run_prints_a_file_to_start_from(tmp_path):
    """What it says of sizes is a comment."""
    done = python(tmp_path, "-m", "zoo", "train", "mlp", "--dataset", "digits", "--dry-run")
    (tmp_path / "recipe.toml").write_text(done.stdout)
    assert read_recipe(tmp_path / "recipe.toml")["dataset"] == "vision/digits"
    assert "# parameters: 101,770" in done.stdout


COMPARED = ("lr", "lr_scale", "epochs")
"""Settings that are in a plan as they are in a file."""

QUICK = [
    (line, output)
    for line, output in commands(README.read_text(encoding="utf-8"))
    if output and re.match(r"zoo (list|info|train .*(mnist-cn$|widht|rely))", line)
    if "acme" not in line
]


@pytest.mark.parametrize(("line", "output"), QUICK, ids=[line for line, _ in QUICK])
def test_the_readme_shows_what_is_printed(line, output, tmp_path):
    """Of what takes no training, to the letter."""
    words = [word.strip("'") for word in line.split()]
    done = python(tmp_path, "-m", *words)
    assert uncounted(done.stdout + done.stderr) == uncounted(output)


def uncounted(text):
    """Without how many models there are, and which plugins are left out for this test."""
    return re.sub(r"shows all \d+\.( Not selected .*)?", "shows all.", text)


def test_there_is_something_to_compare():
    """The search above finds the README's lists and its three mistakes."""
    assert len(QUICK) >= 7


def test_the_first_training_says_what_the_readme_shows(tmp_path):
    """Which data were taken and why, the sizes, and where the run is; figures may differ."""
    shown = dict(commands(README.read_text(encoding="utf-8")))["zoo train mnist-cnn"].splitlines()
    done = python(tmp_path, "-m", "zoo", "train", "mnist-cnn", "--epochs", "1")
    assert done.returncode == 0
    said = [
        line.replace(str(tmp_path / "home"), HOME).replace("\\", "/")
        for line in [*done.stderr.splitlines(), *done.stdout.splitlines()]
    ]
    assert said[:2] == shown[:2]
    assert [words(line) for line in (said[2], *said[-3:])] == [
        words(line.replace("/12", "/1").replace("(epoch 7)", "(epoch 1)"))
        for line in (shown[2], *shown[-3:])
    ]


def words(line):
    """A line without its measurements."""
    return re.sub(r"\d+[.,]\d+|\d+ (?=samples/s)", "#", line).split()


def test_every_key_of_a_record_is_explained(run):
    """What `run.json` holds; only a failed run has `error`."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    section = sections(page("runs"))["run.json"]
    assert explained(section) == {*record, "error"}
    inner = {key for name in ("process", "machine", "versions", "data") for key in record[name]}
    assert inner <= set(code(section))


def test_every_key_of_the_history_is_explained(run):
    """What a line of `metrics.jsonl` holds."""
    line = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[0])
    told = set(code(sections(page("runs"))["run.json"])) | set(code(page("data")))
    assert {key for key in line if not key.startswith("train_")} <= told


def test_every_key_of_a_card_is_explained(run):
    """What the header of the weights holds."""
    with safe_open(run / "model.safetensors", framework="pt") as file:
        card = json.loads(file.metadata()["zoo"])
    section = sections(page("weights"))["The card"]
    assert explained(section) == set(card)
    assert set(card["input"]) <= set(code(section))


def test_every_file_of_a_run_is_explained(run):
    """And every one that is explained is there."""
    tree = next(block.text for block in blocks(page("runs")) if "run.json" in block.text)
    names = {line.split()[0] for line in tree.splitlines()[1:]}
    files = {path.name + ("/" if path.is_dir() else "") for path in run.rglob("*")}
    assert names == {re.sub(r"step-\d{8}", "step-00000024", name) for name in files}


def test_the_logbook_keeps_a_log(trained, site):
    """The guide's example of life-cycle hooks and of a command."""
    entries = [json.loads(line) for line in (trained / "logbook.jsonl").read_text().splitlines()]
    assert [entry["run"] for entry in entries] == ["trained", "trained"]
    assert entries[0]["epoch"] == 1
    assert entries[0]["accuracy"] > 0.5
    assert entries[1]["outcome"] == "done"
    printed = python(trained, "-m", "zoo", "logbook", path=str(site)).stdout
    assert printed == (trained / "logbook.jsonl").read_text()
