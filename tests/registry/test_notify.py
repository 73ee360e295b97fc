"""The life of a training is told to every plugin; one that fails spares the others."""

import sys

import click
import pytest

TRACKER = """
heard = []

@hookimpl
def zoo_run_started(run):
    heard.append(("started", run))

@hookimpl
def zoo_epoch_ended(run, epoch, metrics):
    heard.append(("epoch", epoch, metrics))

@hookimpl
def zoo_checkpoint_saved(run, path):
    heard.append(("saved", path))

@hookimpl
def zoo_run_ended(run, outcome):
    heard.append(("ended", outcome))
"""
FAILS = """
@hookimpl
def zoo_run_ended(run, outcome):
    {}
"""


@pytest.fixture
def heard(site):
    """What the plugin `tracker` heard so far; it is installed among the others."""
    site.plugin("tracker", TRACKER)
    return lambda: sys.modules["tracker_zoo_plugin"].heard


def test_a_tracker_hears_the_whole_training(site, heard):
    """Every life-cycle hook reaches a plugin with the facts it names."""
    registry, run = site.load(), object()
    assert registry.notify("zoo_run_started", run=run) == []
    assert registry.notify("zoo_epoch_ended", run=run, epoch=1, metrics={"loss": 0.5}) == []
    assert registry.notify("zoo_checkpoint_saved", run=run, path="model.pth") == []
    assert registry.notify("zoo_run_ended", run=run, outcome="done") == []
    assert heard() == [
        ("started", run),
        ("epoch", 1, {"loss": 0.5}),
        ("saved", "model.pth"),
        ("ended", "done"),
    ]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("raise ValueError('no\\nluck')", "zoo_run_ended: ValueError: no luck"),
        ("raise SystemExit(1)", "zoo_run_ended: SystemExit: 1"),
        ("raise ZooError('the server is gone')", "zoo_run_ended: the server is gone"),
    ],
)
def test_a_hook_that_fails_spares_the_others(site, heard, body, fault):
    """The failure is told with its plugin; those called before and after it hear all the same."""
    site.plugin("alpha", FAILS.format(body), version="0.2")
    site.plugin("zeta", FAILS.format("raise OSError"))
    failures = site.load().notify("zoo_run_ended", run=None, outcome="done")
    assert sorted((plugin.origin, text) for plugin, text in failures) == [
        ("alpha-zoo 0.2", fault),
        ("zeta-zoo 1.0", "zoo_run_ended: OSError"),
    ]
    assert heard() == [("ended", "done")]


def test_an_interrupt_goes_through(site, heard):
    """Ctrl-C in a plugin's hook is the user's."""
    site.plugin("acme", FAILS.format("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        site.load().notify("zoo_run_ended", run=None, outcome="done")


def test_a_hook_asks_for_the_facts_it_needs(site):
    """Fewer arguments than there are, in any order, and none at all."""
    site.plugin(
        "acme",
        """
        heard = []

        @hookimpl
        def zoo_epoch_ended(metrics, epoch):
            heard.append((metrics, epoch))

        @hookimpl
        def zoo_run_ended():
            heard.append("ended")
        """,
    )
    registry = site.load()
    assert registry.notify("zoo_epoch_ended", run=None, epoch=2, metrics={}) == []
    assert registry.notify("zoo_run_ended", run=None, outcome="failed") == []
    assert sys.modules["acme_zoo_plugin"].heard == [({}, 2), "ended"]


def test_pluggys_order_is_kept(site):
    """`tryfirst` and `trylast` mean what they mean in pluggy."""
    source = """
    import heard_here

    @hookimpl({})
    def zoo_run_started():
        heard_here.order.append(__name__)
    """
    site.module("heard_here", "order = []")
    site.plugin("last", source.format("trylast=True"), distribution="b")
    site.plugin("first", source.format("tryfirst=True"), distribution="a")
    site.plugin("middle", source.format(""), distribution="c")
    assert site.load().notify("zoo_run_started", run=None) == []
    assert sys.modules["heard_here"].order == ["a_plugin", "c_plugin", "b_plugin"]


def test_a_plugin_left_out_for_one_wrong_hook_hears_the_others(site, heard):
    """A hook that asks for what there is not does not silence its plugin."""
    site.plugin("acme", FAILS.format("raise OSError") + "@hookimpl\ndef zoo_models(path): ...")
    failures = site.load().notify("zoo_run_ended", run=None, outcome="done")
    assert [(plugin.name, text) for plugin, text in failures] == [
        ("acme", "zoo_run_ended: OSError")
    ]


def test_what_a_hook_prints_stays_off_stdout(site, capsys):
    """`zoo train --json` owns stdout while trackers talk."""
    site.plugin("acme", FAILS.format("print('bye')"))
    assert site.load().notify("zoo_run_ended", run=None, outcome="done") == []
    assert capsys.readouterr() == ("", "bye\n")


def test_plugins_add_commands(site):
    """`zoo_commands` is given the command line's group; one that fails spares the others."""
    site.plugin("bad", "@hookimpl\ndef zoo_commands(cli):\n    cli.add_command(None)")
    site.plugin(
        "acme",
        """
        @hookimpl
        def zoo_commands(cli):
            @cli.command()
            def greet():
                '''Greet.'''
        """,
    )
    cli = click.Group()
    ((plugin, fault),) = site.load().notify("zoo_commands", cli=cli)
    assert plugin.name == "bad"
    assert fault.startswith("zoo_commands: ")
    assert list(cli.commands) == ["greet"]
