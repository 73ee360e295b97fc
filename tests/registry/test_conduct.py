"""Whatever a plugin does when it is asked for its specs has its name on it, and harms nobody."""

import logging
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest

SPECS = """
@hookimpl
def zoo_models():
    return [ModelSpec(name="net", build="nets:Net")]
"""


def run(program):
    """Run a program that finds what this one does; return what it printed."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(site, source):
    """Return the only plugin, and the names it offers."""
    site.plugin("acme", source + SPECS)
    registry = site.load()
    return registry.plugins[0], [entry.name for entry in registry.entries]


@pytest.mark.parametrize(
    ("source", "notice"),
    [
        ("print('hello,\\n\\n  world')", "prints 'hello, world'"),
        ("import sys; sys.stderr.write('psst')", "prints 'psst'"),
        (
            "import warnings; warnings.warn('old\\nthings', FutureWarning)",
            "warns: FutureWarning: old things",
        ),
        (
            "import logging; logging.root.addHandler(logging.NullHandler())",
            "sets up logging, which is the program's to do; put back",
        ),
        (
            "import logging; logging.root.setLevel(5)",
            "sets up logging, which is the program's to do; put back",
        ),
        (
            "import logging; logging.disable(50)",
            "sets up logging, which is the program's to do; put back",
        ),
    ],
)
def test_what_it_does_besides_is_noted(site, capsys, source, notice):
    """It works all the same; stdout stays clean, logging is as it was."""
    handlers, level = list(logging.root.handlers), logging.root.level
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        plugin, names = loaded(site, source)
    assert (plugin.faults, names) == ([], ["acme/net"])
    assert plugin.notices == [notice]
    assert capsys.readouterr().out == ""
    assert (logging.root.handlers, logging.root.level) == (handlers, level)
    assert logging.root.manager.disable == 0


def test_what_a_hook_does_is_noted_too(site, capsys):
    """Not only what its import does."""
    site.plugin("acme", SPECS.replace("    return", "    print('asked')\n    return"))
    registry = site.load()
    assert registry.plugins[0].notices == ["prints 'asked'"]
    assert capsys.readouterr() == ("", "asked\n")


def test_a_stream_put_in_the_place_of_stdout_goes_again(site, capsys):
    """A library that colours output must not do so for all that comes after."""
    out = sys.stdout
    loaded(site, "import io, sys; sys.stdout = io.StringIO(); print('lost')")
    assert sys.stdout is out


def test_what_takes_long_to_import_is_noted(site, monkeypatch):
    """Everyone who lists models would wait for it."""
    for name in ("jax", "tensorflow"):
        (site.root / f"{name}.py").write_text("")
    plugin, _ = loaded(site, "import jax, tensorflow")
    assert plugin.notices == ["imports tensorflow and jax, which its specs should not need"]


def test_a_plugin_that_hangs_is_ended(site, monkeypatch):
    """It is a fault like another, whatever exceptions the plugin catches."""
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", "0.2")
    before = signal.getsignal(signal.SIGALRM)
    plugin, names = loaded(
        site,
        """
import time
for _ in range(100):
    try:
        time.sleep(60)
    except Exception:
        pass
""",
    )
    assert plugin.faults == ["took longer than 0.2 s (ZOO_PLUGIN_TIMEOUT)"]
    assert names == []
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_hook_that_hangs_is_ended(site, monkeypatch):
    """The plugin's other hooks go on."""
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", "0.2")
    slow = "\n@hookimpl\ndef zoo_losses():\n    import time\n    time.sleep(60)\n"
    site.plugin("acme", SPECS + slow)
    registry = site.load()
    assert [entry.name for entry in registry.entries] == ["acme/net"]
    assert registry.plugins[0].faults == ["zoo_losses: took longer than 0.2 s (ZOO_PLUGIN_TIMEOUT)"]


def test_who_keeps_all_waiting_is_named(site, monkeypatch, capfd):
    """After a while, and once."""
    monkeypatch.setattr("zoo_registry._patience._NAMED_AFTER", 0.05)
    plugin, names = loaded(site, "import time; time.sleep(0.3)")
    assert (plugin.faults, names) == ([], ["acme/net"])
    told = "zoo: waiting for the plugin acme (acme-zoo 1.0), for 0.05 s now (ZOO_PLUGINS selects"
    assert capfd.readouterr().err.count(told) == 1
    assert plugin.import_seconds > 0.25


def test_one_that_catches_being_ended_hung_all_the_same(site, monkeypatch):
    """Its specs are none: it was cut off in the middle."""
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", "0.2")
    plugin, names = loaded(
        site,
        """
import time
try:
    time.sleep(60)
except BaseException:
    pass
""",
    )
    assert plugin.faults == ["took longer than 0.2 s (ZOO_PLUGIN_TIMEOUT)"]
    assert names == []


def test_adding_commands_is_not_waited_for_and_a_training_is(site, monkeypatch):
    """What follows a training may take its time, such as an upload."""
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", "0.2")
    site.plugin(
        "acme",
        """
import time

@hookimpl
def zoo_commands(cli):
    time.sleep(60)

@hookimpl
def zoo_run_ended(run, outcome):
    time.sleep(0.4)
""",
    )
    registry = site.load()
    (plugin,) = registry.plugins
    _, fault = registry.ask(plugin, "zoo_commands", cli=None)
    assert fault == "took longer than 0.2 s (ZOO_PLUGIN_TIMEOUT)"
    assert registry.notify("zoo_run_ended", run=None, outcome="done") == []


def test_in_other_threads_it_is_named_and_no_more(site, monkeypatch, capfd):
    """Signals, by which a call is ended, are the main thread's."""
    monkeypatch.setattr("zoo_registry._patience._NAMED_AFTER", 0.05)
    results = []
    site.plugin("acme", "import time; time.sleep(0.3)" + SPECS)
    thread = threading.Thread(target=lambda: results.append(site.load()))
    thread.start()
    thread.join()
    assert [entry.name for entry in results[0].entries] == ["acme/net"]
    assert capfd.readouterr().err.count("zoo: waiting for the plugin acme (acme-zoo 1.0)") == 1


def test_another_timer_goes_on(site):
    """A program's own alarm is not taken from it."""
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        loaded(site, "import time; time.sleep(0.3)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rang == [True]


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(\"noise\")'])",
        "import sys; print('noise', file=sys.__stdout__)",
        "import os; os.write(1, b'noise\\n')",
    ],
)
def test_what_is_written_past_sys_stdout_is_kept_out_of_it_too(site, tmp_path, source):
    """A program that reads stdout may read JSON there, whatever a plugin runs."""
    site.plugin("acme", source + SPECS)
    program = (
        "import sys, zoo_registry; print('first'); zoo_registry.load(only=['acme']); print('last')"
    )
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "first\nlast\n"
    assert "noise\n" in done.stderr


@pytest.mark.parametrize("closed", [1, 2])
def test_a_program_without_a_stream_loads_plugins_as_any(site, closed):
    """As services have it that close what they do not use."""
    site.plugin("acme", SPECS)
    program = (
        f"import os; os.close({closed})\n"
        "import zoo_registry\n"
        "assert len(zoo_registry.load(only=['acme']).entries) == 1\n"
        "os._exit(7)"
    )
    done = run(program)
    assert done.returncode == 7, done.stderr
