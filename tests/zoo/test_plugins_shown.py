"""`zoo plugins` and `zoo list` name what is wrong with plugins, whoever wrote them."""

import json
import os
import subprocess
import sys

import pytest

SOUND = """
from zoo_registry import ModelSpec, hookimpl

@hookimpl
def zoo_models():
    return [ModelSpec(name="net", build="{build}", summary="a net")]
"""
ALL_WELL = SOUND.format(build="json.decoder:JSONDecoder")


@pytest.fixture
def zoo(tmp_path):
    """Run `zoo` in a process, with the plugin `acme` of this source installed, and no other."""

    def run(source, *arguments, selected="acme"):
        info = tmp_path / "site" / "acme_zoo-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Name: acme-zoo\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[zoo]\nacme = acme_zoo\n")
        (tmp_path / "site" / "acme_zoo.py").write_text(source)
        path = os.pathsep.join([str(tmp_path / "site"), *sys.path])
        return subprocess.run(
            [sys.executable, "-m", "zoo", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": selected},
            timeout=60,
        )

    return run


@pytest.mark.parametrize(
    ("source", "state"),
    [
        (ALL_WELL, "ok"),
        ("raise SystemExit('bye')", "! SystemExit: bye"),
        (
            SOUND.format(build="nowhere:Net"),
            "! model net: 'nowhere:Net' does not resolve: there is no nowhere",
        ),
        (
            "requires_zoo = '>=99'\nraise OSError",
            "! needs zoo >=99; this is 0.1.0: pip install --upgrade zoo-registry",
        ),
        (f"print('hi')\n{ALL_WELL}", "? prints 'hi'"),
    ],
)
def test_one_line_says_it_and_strict_fails_for_it(zoo, source, state):
    """Without --strict to show it is all that was asked."""
    done = zoo(source, "plugins")
    _, row = done.stdout.splitlines()
    assert (done.returncode, row.split(" ms  ")[1].strip()) == (0, state)
    assert zoo(source, "plugins", "--strict").returncode == (state != "ok")


def test_a_list_in_json_is_json_whatever_a_plugin_runs(zoo):
    """It runs programs, and writes past `sys.stdout`."""
    noise = "import os, sys; os.system('echo noise'); print('noise', file=sys.__stdout__)"
    done = zoo(f"{noise}\n{ALL_WELL}", "list", "--json")
    assert [entry["name"] for entry in json.loads(done.stdout)] == ["acme/net"]
    assert done.stderr.count("noise") == 2


@pytest.mark.parametrize("command", [["list"], ["plugins"], ["plugins", "--strict"]])
def test_a_selected_name_that_is_no_plugins_is_said(zoo, command):
    """The others are loaded all the same; `--strict` fails for it."""
    done = zoo(ALL_WELL, *command, selected="acme,acne")
    assert "acme" in done.stdout
    said = "no plugin named 'acne' is installed (ZOO_PLUGINS); closest: acme\n"
    assert done.stderr == said
    assert done.returncode == ("--strict" in command)


def test_a_plugin_is_nothing_to_show_but_what_it_offers_is(zoo):
    """Its name is what people have at hand."""
    done = zoo(ALL_WELL, "info", "acme")
    assert done.returncode == 2
    assert "acme is a plugin; `zoo list '*' --plugin acme` shows what it offers" in done.stderr


@pytest.mark.parametrize(
    ("command", "nearest"),
    [(["plugins", "chek"], "check"), (["verify", "trian"], "train"), (["lst"], "list")],
)
def test_a_command_that_is_none_is_answered_with_the_nearest(zoo, command, nearest):
    """On each level."""
    done = zoo(ALL_WELL, *command)
    assert done.returncode == 2
    assert f"no command named {command[-1]!r}; did you mean {nearest}?" in done.stderr
