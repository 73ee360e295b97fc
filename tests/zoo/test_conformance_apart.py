"""`zoo plugins check`: whatever a plugin does to its process is a row, and the rest is checked."""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest
from planted import SOUND_DATA, SOUND_NET, SPECS

import zoo_registry
from zoo.conformance import Outcome, badge, plan_checks, run_apart
from zoo_registry import UnknownName, ZooError

ODD = {
    "aborts": "import os; os.abort()",
    "exits": "import os, sys; print('no more', file=sys.stderr, flush=True); os._exit(3)",
    "good": "",
    "hangs": "import time; time.sleep(1000)",
    "interrupts": "raise KeyboardInterrupt",
    "leaves": "raise SystemExit(0)",
    "prints": "print('{}'); import os; os.system('echo from C')",
}


@pytest.fixture
def zoo(planted, tmp_path):
    """Run `zoo` in a process that finds the plugin."""

    def run(*arguments):
        path = os.pathsep.join([str(planted.root), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, "-m", "zoo", *arguments],
            env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": "planted,optim"},
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    return run


def odd_trackers(planted):
    """Install a tracker for each odd module, which does its worst when it is imported."""
    tracker = 'TrackerSpec(name="{0}", build="planted_{0}:Track", summary="s")'
    planted.install("", {"tracker": ", ".join(map(tracker.format, ODD))})
    for name, source in ODD.items():
        planted.write(f"planted_{name}", f"{source}\nclass Track:\n    pass\n")


def test_what_ends_or_hangs_is_a_row_and_the_rest_is_checked(planted):
    """Each in a process that is ended for it; what is printed disturbs nothing."""
    odd_trackers(planted)
    registry = zoo_registry.load(only=["planted"])
    checks = plan_checks(registry, "planted", ["*"])
    started = time.monotonic()
    outcomes = list(run_apart(checks, ["planted", "", '["*"]'], limit=3))
    assert time.monotonic() - started < 400  # a hang is of 1000 s
    said = dict(zip(ODD, [f"{o.verdict} {o.detail}" for o in outcomes], strict=True))
    assert said["aborts"].startswith("FAILED ended its process (signal 6)")
    assert said["exits"] == "FAILED ended its process (exit code 3) no more"
    assert said["hangs"] == "FAILED did not end within 3 s"
    assert said["interrupts"].startswith("FAILED ended its process")
    assert "SystemExit: 0" in said["leaves"]
    assert said["good"] == said["prints"] == "ok no options"


def test_a_sound_plugin_passes_with_a_badge(planted, zoo, tmp_path):
    """Exit code 0, a row for each check, and an SVG that says the version and the number."""
    planted.install(SOUND_DATA + SOUND_NET, {kind: SPECS[kind] for kind in ("model", "dataset")})
    done = zoo("plugins", "check", "planted", "--json", "--badge", "badge.svg")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["verdict"] for row in rows} == {"ok"}
    assert set(rows[0]) == {"subject", "kind", "check", "verdict", "detail", "seconds"}
    assert {row["subject"] for row in rows} == {"planted", "planted/net", "planted/data"}
    drawn = ET.fromstring((tmp_path / "badge.svg").read_text())
    assert drawn.get("aria-label") == f"zoo plugin: 1.0: {len(rows)} passed"


def test_a_broken_plugin_is_a_table_and_exit_code_1(planted, zoo, tmp_path):
    """It says in a row what is broken, and checks what is left."""
    planted.install(SOUND_NET, {"model": SPECS["model"]}, spec_header="hookimp")
    done = zoo("plugins", "check", "planted", "--badge", "badge.svg")
    assert done.returncode == 1
    header, first, *_rest = done.stdout.splitlines()
    assert header.split() == ["SUBJECT", "CHECK", "VERDICT", "DETAIL"]
    assert "FAILED" in first
    assert "name 'hookimp' is not defined" in first
    assert "checks of planted (planted-zoo 1.0) failed: planted: loads without a fault" in (
        done.stderr
    )
    assert "2 failed" in (tmp_path / "badge.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plantet"], "did you mean planted?"),
        (["planted-zoo"], "planted-zoo is a distribution; its plugin: planted"),
        (["planted", "nett"], "nothing that planted offers matches nett"),
        (["planted", "net", "--badge", "x.svg"], "a badge is of the whole plugin"),
        (["planted", "--badge", "nowhere/x.svg"], "there is no folder for nowhere/x.svg"),
    ],
)
def test_what_can_not_be_checked_is_said(planted, zoo, arguments, said):
    """Exit code 2, before torch is imported."""
    planted.install(SOUND_NET, {"model": SPECS["model"]})
    done = zoo("plugins", "check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_process_that_can_not_begin_is_said(planted):
    """Not once for each check: what stops the first would stop them all."""
    planted.install(SOUND_NET, {"model": SPECS["model"]})
    checks = plan_checks(zoo_registry.load(only=["planted"]), "planted")
    with pytest.raises(ZooError, match=r"no check could be run: .* \(exit code 1\) .*'plantet'"):
        list(run_apart(checks, ["plantet", "", "[]"], limit=3))


def test_a_badge_tells_failures_from_passes():
    """What was skipped is said too; a name with markup stays text."""
    passed, failed, skipped = Outcome("ok"), Outcome("FAILED"), Outcome("skipped")
    assert ">1.0: 2 passed<" in badge([passed, passed], "1.0")
    assert ">1.0: 1 passed, 1 skipped<" in badge([passed, skipped], "1.0")
    assert ">1.0: 1 failed<" in badge([passed, failed], "1.0")
    assert (
        ET.fromstring(badge([passed], "<1&2>")).get("aria-label") == "zoo plugin: <1&2>: 1 passed"
    )


def test_planning_wants_a_plugin_that_is_there(planted):
    """Patterns choose among its specs; without them the plugin as a whole is checked too."""
    planted.install(SOUND_NET, {"model": SPECS["model"]})
    registry = zoo_registry.load(only=["planted"])
    whole, part = plan_checks(registry, "planted"), plan_checks(registry, "planted", ["n*"])
    assert {check.kind for check in whole} == {"plugin", "model"}
    assert {check.kind for check in part} == {"model"}
    with pytest.raises(UnknownName, match="there are: planted"):
        plan_checks(registry, "other")
