"""Imports point one way, and what does not compute imports no torch."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter

import grimp
import pytest

COMMAND = """
import sys
from zoo.cli import main
sys.argv = ["zoo", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code
"""
MODULES = """
print("imported:", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""
HEAVY = {"torch", "torchvision", "numpy", "PIL", "msgspec", "rich", "safetensors"}
HEAVY |= {"huggingface_hub", "yaml"}


def run(program, *arguments):
    """Run `program`; return its exit code, what it said on stderr and which modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", program + MODULES, *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    said, _, imported = done.stderr.rpartition("imported:")
    assert imported, done.stderr
    return done.returncode, said, set(imported.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "--json"],
        ["list", "--kind", "optimizer"],
        ["info", "mnist-cnn"],
        ["info", "adamw", "--json"],
        ["plugins"],
        ["runs"],
        ["train", "--help"],
        ["eval", "--help"],
        ["predict", "--help"],
        ["push", "--help"],
        ["pull", "--help"],
        ["export", "--help"],
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_compute_leaves_torch_alone(arguments):
    """Importing torch costs seconds, which nobody waits for to read a list."""
    code, said, modules = run(COMMAND, *arguments)
    assert code == 0, said
    assert not {"torch", "torchvision"} & modules


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["train", "mnist-cn"], "mnist-cnn"),
        (["train", "mnist-cnn", "--set", "model.widht=3"], "'width'"),
        (["train", "mnist-cnn", "--set", "model.width=abc"], "an int"),
        (["train", "mnist-cnn", "--optimizer", "adagra"], "adagrad"),
        (["train", "mnist-cnn", "--dataset", "digit"], "digits"),
        (["info", "mnist-cn"], "mnist-cnn"),
        (["runs", "show", "no-such-run"], "no-such-run"),
        (["export", "no-such-run", "--format", "onnx"], "no-such-run"),
        (["export", "no-such-run", "--format", "onx"], "onnx"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_before_torch_is_imported(arguments, hint):
    """Names and options are checked against what is written, not against what was imported."""
    code, said, modules = run(COMMAND, *arguments)
    assert code == 2, said
    assert hint in said
    assert not {"torch", "torchvision"} & modules


def test_listing_imports_nothing_heavy_at_all():
    """`zoo list` is names and one line each."""
    code, said, modules = run(COMMAND, "list")
    assert code == 0, said
    assert not HEAVY & modules


def test_importing_zoo_imports_nothing_heavy():
    """`import zoo` is a door; behind it is opened only what is used."""
    code, said, modules = run("import sys, zoo, zoo_registry; code = 0")
    assert code == 0, said
    assert not HEAVY & modules


def test_no_import_leads_back_to_where_it_started(packages):
    """No cycle, none hidden by an import inside a function either."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 50
    assert list(TopologicalSorter(imports).static_order())


def strange(sources, allowed):
    """What the modules import beyond `allowed`, module by module."""
    found = {path: set(imports_of(tree)) - allowed for path, tree in sources.items()}
    return {path: names for path, names in found.items() if names}


def imports_of(tree):
    """The top-level package of each import, however deep in the module; "" for relative ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else (node.module or "").partition(".")[0]


def test_the_contract_imports_the_standard_library_and_pluggy(sources):
    """Not even inside a function: a plugin's spec module must stay light."""
    contract = {path: tree for path, tree in sources.items() if path.startswith("registry/")}
    assert contract
    assert not strange(contract, {*sys.stdlib_module_names, "pluggy", "zoo_registry", ""})


def test_a_plugins_spec_module_imports_the_contract_only(sources):
    """What it describes is addresses; nothing behind them is imported to list them."""
    specs = {path: tree for path, tree in sources.items() if path.endswith("/plugin.py")}
    assert len(specs) >= 3
    near = {
        f"{path.rpartition('/')[0]}/{node.module}.py"
        for path, tree in specs.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    }
    specs |= {path: sources[path] for path in near}
    assert not strange(specs, {*sys.stdlib_module_names, "zoo_registry", ""})
    assert not any(
        isinstance(node, ast.ImportFrom) and node.level
        for path in near
        for node in ast.walk(sources[path])
    ), "what a spec module imports from beside it imports nothing from there"


def test_the_application_names_no_plugin(sources, packages):
    """Not in an import, and not in a text that is imported later: they come by entry points."""
    texts = {path: ast.unparse(tree) for path, tree in sources.items() if path.startswith("zoo/")}
    assert texts
    plugins = [name for name in packages if name not in ("zoo", "zoo_registry")]
    assert len(plugins) >= 3
    assert not [(path, name) for path, text in texts.items() for name in plugins if name in text]
