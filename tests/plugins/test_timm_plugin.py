"""The specs of the plugin `timm`: all of its architectures, none of its imports."""

import json
import os
import subprocess
import sys

import pytest
import timm

from zoo_registry import load, options_of, resolve
from zoo_timm import plugin
from zoo_timm._sources import architectures

SPECS = {spec.name: spec for spec in plugin.zoo_models()}
WITHOUT = "import sys; sys.modules['timm'] = None; from zoo.cli import main; sys.exit(main())"
"""A zoo in an environment without timm."""


def test_every_architecture_of_timm_is_offered():
    """What its sources say is what it registers when it is imported."""
    assert list(SPECS) == [name for name, _ in architectures()]
    assert set(SPECS) == set(timm.list_models(include_tags=False))
    assert len(SPECS) > 1300


def test_the_plugin_is_found_by_its_entry_point():
    """Discovery takes all of the names, and finds no fault."""
    registry = load(only=["timm"])
    (found,) = registry.plugins
    assert found.faults == []
    assert len(registry.entries) == len(SPECS)


def test_every_architecture_has_a_line_about_it():
    """The words of timm itself, of one line that fits a table."""
    for spec in SPECS.values():
        assert 0 < len(spec.summary) <= 90, spec.name
    assert SPECS["resnet18"].summary == "ResNet-18 model"
    assert SPECS["convnext_atto_rms"].summary == "convnext atto rms"  # has no docstring


def test_one_builder_serves_all():
    """With the architecture as its argument, which is no option."""
    assert {spec.address for spec in SPECS.values()} == {"zoo_timm.models:build"}
    options = {option.name: option for option in options_of(SPECS["resnet18"]).options}
    assert "architecture" not in options
    assert {"num_classes", "in_channels", "image_size", "pretrained", "tag"} <= set(options)
    assert options["pretrained"].default is False
    assert all(option.annotation and not option.required for option in options.values())
    assert callable(resolve(SPECS["resnet18"].expects))


def test_listing_imports_neither_timm_nor_torch():
    """`zoo list` and `zoo info` wait for none of them."""
    code = (
        "import sys; from zoo_timm import plugin; from zoo_registry import options_of; "
        "specs = plugin.zoo_models(); options_of(specs[0]); print(len(specs)); "
        "print({name.partition('.')[0] for name in sys.modules} & {'torch', 'timm', 'zoo'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(len(SPECS)), "set()"]


def test_other_files_than_timms_offer_nothing(tmp_path, monkeypatch):
    """A package of that name without models is no reason to fail."""
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    assert list(architectures()) == []


def zoo_without_timm(*arguments):
    """Run the command line where timm is not installed."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ZOO_PLUGINS": "timm,optim,vision"},
    )


@pytest.mark.parametrize(
    "arguments", [("info", "timm/resnet18"), ("train", "timm/resnet18", "--dataset", "digits")]
)
def test_without_timm_the_answer_is_what_to_install(arguments):
    """Whoever names one of its models is told the command."""
    done = zoo_without_timm(*arguments)
    assert done.returncode == 2
    assert "timm/resnet18" in done.stderr
    assert "pip install 'zoo-registry[timm]'" in done.stderr


def test_without_timm_nothing_is_broken():
    """The plugin is there, offers nothing, and has no fault."""
    done = zoo_without_timm("plugins", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = [each for each in json.loads(done.stdout) if each["name"] == "timm"]
    assert found["faults"] == []
    assert "timm/" not in zoo_without_timm("list", "*").stdout
