"""Every plugin is loaded on its own: a broken one is recorded and harms nobody."""

import os
import subprocess
import sys
import textwrap

import pytest

import zoo_registry
from zoo_registry import load

SOUND = """
@hookimpl
def zoo_models():
    return [ModelSpec(name="net", build="sound.nets:Net")]
"""
ALL_KINDS = """
@hookimpl
def zoo_models():
    return [ModelSpec(name="net", build="acme.nets:Net")]

@hookimpl
def zoo_datasets():
    return [DatasetSpec(name="moons", build="acme.data:moons")]

@hookimpl
def zoo_optimizers():
    return [OptimizerSpec(name="lion", build="acme.optim:Lion")]

@hookimpl
def zoo_losses():
    return [LossSpec(name="focal", build="acme.losses:Focal")]

@hookimpl
def zoo_schedulers():
    return [SchedulerSpec(name="wave", build="acme.schedules:Wave")]
"""


def names(registry):
    """Return the qualified names of all entries."""
    return [entry.name for entry in registry.entries]


def faults(registry, name="acme"):
    """Return the faults of the only plugin called `name`."""
    (plugin,) = [plugin for plugin in registry.plugins if plugin.name == name]
    return plugin.faults


def test_a_plugin_offers_every_kind_of_spec(site):
    """What each hook returns is found, with the plugin, distribution and version behind it."""
    site.plugin("acme", ALL_KINDS, distribution="acme-zoo", version="2.1.post3")
    registry = site.load()
    assert [(entry.name, entry.spec.kind) for entry in registry.entries] == [
        ("acme/focal", "loss"),
        ("acme/lion", "optimizer"),
        ("acme/moons", "dataset"),
        ("acme/net", "model"),
        ("acme/wave", "scheduler"),
    ]
    (plugin,) = registry.plugins
    assert {id(entry.plugin) for entry in registry.entries} == {id(plugin)}
    assert (plugin.name, plugin.module, plugin.faults) == ("acme", "acme_zoo_plugin", [])
    assert (plugin.distribution, plugin.version) == ("acme-zoo", "2.1.post3")
    assert plugin.origin == "acme-zoo 2.1.post3"


def test_the_time_of_an_import_is_measured(site):
    """A slow plugin shows, whether its import takes the time or its specs do."""
    site.plugin("slow", "import time; time.sleep(0.2)" + SOUND)
    site.plugin("late", SOUND.replace("    return", "    import time; time.sleep(0.2); return"))
    site.plugin("quick", SOUND)
    seconds = {plugin.name: plugin.import_seconds for plugin in site.load().plugins}
    assert 0 < seconds["quick"] < 0.2 <= min(seconds["slow"], seconds["late"])


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("raise ValueError", "ValueError"),
        ("raise ValueError('one\\n  two\\nthree')", "ValueError: one two three"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("import acme_absent", "ModuleNotFoundError: No module named 'acme_absent'"),
        ("raise SpecError('a text of ours')", "a text of ours"),
        (
            """
            class Mute(Exception):
                def __str__(self):
                    raise RuntimeError
            raise Mute
            """,
            "Mute",
        ),
    ],
)
def test_a_plugin_that_fails_at_import_spares_the_others(site, source, fault):
    """Whatever a module raises becomes one line; the plugins around it work."""
    site.plugin("acme", source)
    site.plugin("before", SOUND, distribution="a-sound-one")
    site.plugin("later", SOUND, distribution="z-sound-one")
    registry = site.load()
    assert faults(registry) == [fault]
    assert names(registry) == ["before/net", "later/net"]
    assert [plugin.name for plugin in registry.plugins] == ["before", "acme", "later"]


def test_a_syntax_error_is_one_line(site):
    """The fault of a module that Python can't read says where."""
    site.plugin("acme", "def zoo_models(:")
    (fault,) = faults(site.load())
    assert fault.startswith("SyntaxError: ")
    assert "acme_zoo_plugin.py, line 2" in fault


def test_a_long_cause_is_cut(site):
    """A fault is a line, not a page."""
    site.plugin("acme", "raise ValueError('x ' * 5000)")
    (fault,) = faults(site.load())
    assert 100 < len(fault) < 250


def test_an_interrupt_at_import_goes_through(site):
    """Ctrl-C while plugins load is the user's, not a plugin's fault."""
    site.plugin("acme", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("acme_absent.plugin", "ModuleNotFoundError: No module named 'acme_absent'"),
        ("", "its entry point names no module; write name = package.module"),
        (
            "acme_code:absent",
            "'acme_code:absent' does not resolve "
            "(AttributeError: module 'acme_code' has no attribute 'absent')",
        ),
        (
            "acme_code:NOTHING",
            "it has no hooks; its entry point must name the module that has them",
        ),
        ("acme_code", "it has no hooks; its entry point must name the module that has them"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_a_fault(site, value, fault):
    """A wrong line in `entry_points.txt` is told as such."""
    site.module("acme_code", "NOTHING = None")
    site.metadata("acme-zoo", {"acme": value})
    site.plugins.append("acme")
    site.plugin("sound", SOUND)
    registry = site.load()
    assert faults(registry) == [fault]
    assert names(registry) == ["sound/net"]


def test_a_line_without_a_value_is_a_fault(site):
    """A line that is no entry point is shown by what it says; the next line counts."""
    site.module("acme_code", SOUND)
    site.metadata("acme-zoo", "acme acme_code\nright = acme_code")
    site.plugins += ["acme acme_code", "right"]
    registry = site.load()
    assert faults(registry, "acme acme_code") == [
        "its entry point names no module; write name = package.module"
    ]
    assert names(registry) == ["right/net"]


def test_an_entry_point_may_name_an_object(site):
    """`module:attribute` is a plugin too, with its methods as hooks."""
    site.module(
        "acme_code",
        """
        class Offers:
            def __init__(self, names):
                self.names = names

            @hookimpl
            def zoo_models(self):
                return [ModelSpec(name=name, build="acme:Net") for name in self.names]

        one, two = Offers(["a"]), Offers(["b", "c"])
        """,
    )
    site.metadata("acme-zoo", {"first": "acme_code : one", "second": "acme_code:two [extra]"})
    site.plugins += ["first", "second"]
    registry = site.load()
    assert names(registry) == ["first/a", "second/b", "second/c"]
    assert [plugin.faults for plugin in registry.plugins] == [[], []]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("raise SystemExit", "SystemExit"),
        ("import acme_absent", "ModuleNotFoundError: No module named 'acme_absent'"),
        ("return None", "returned NoneType, not a list of specs"),
        ("return 'net'", "returned str, not a list of specs"),
        ("return DatasetSpec(name='a', build='a:b')", "returned DatasetSpec, not a list of specs"),
        ("return {'net': 1}", "returned a str among its dataset specs"),
        ("return [None]", "returned a NoneType among its dataset specs"),
        (
            "return [ModelSpec(name='a', build='a:b')]",
            "returned a ModelSpec among its dataset specs",
        ),
        ("return [Spec(name='a', build='a:b')]", "returned a Spec among its dataset specs"),
        ("return [DatasetSpec]", "returned a type among its dataset specs"),
        ("yield 1 / 0", "ZeroDivisionError: division by zero"),
        ("return [DatasetSpec(name='A B', build='a:b')]", "'A B' is not a dataset name"),
        ("return [DatasetSpec(build='a:b')]", "TypeError: "),
        (
            "return [DatasetSpec(name=n, build='a:b') for n in ('a', 'b', 'a')]",
            "two datasets are named 'a'",
        ),
    ],
)
def test_a_hook_that_fails_spares_the_others(site, body, fault):
    """One hook raises or returns nonsense: the plugin's other hooks work, and other plugins."""
    sound = ALL_KINDS.replace('return [DatasetSpec(name="moons", build="acme.data:moons")]', body)
    site.plugin("acme", sound)
    site.plugin("sound", SOUND)
    registry = site.load()
    (found,) = faults(registry)
    assert found.startswith(f"zoo_datasets: {fault}")
    assert names(registry) == ["acme/focal", "acme/lion", "acme/net", "acme/wave", "sound/net"]


def test_an_interrupt_in_a_hook_goes_through(site):
    """Ctrl-C while a hook runs is the user's."""
    site.plugin("acme", "@hookimpl\ndef zoo_models():\n    raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_a_hook_may_return_any_collection(site):
    """A tuple, or a generator, is as good as a list; none of a kind is fine."""
    site.plugin(
        "acme",
        """
        @hookimpl
        def zoo_models():
            yield ModelSpec(name="a", build="acme:a")
            yield ModelSpec(name="b", build="acme:b")

        @hookimpl
        def zoo_datasets():
            return (DatasetSpec(name="c", build="acme:c"),)

        @hookimpl
        def zoo_losses():
            return []
        """,
    )
    registry = site.load()
    assert names(registry) == ["acme/a", "acme/b", "acme/c"]
    assert faults(registry) == []


def test_the_same_name_may_serve_two_kinds(site):
    """Names are unique within a kind: a model and a dataset may share one."""
    source = ALL_KINDS.replace('name="moons"', 'name="net"')
    site.plugin("acme", source)
    registry = site.load()
    assert faults(registry) == []
    assert registry.find("model", "net").spec.address == "acme.nets:Net"
    assert registry.find("dataset", "net").spec.address == "acme.data:moons"


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        ("zoo_modles():", "there is no hook zoo_modles; did you mean zoo_models?"),
        ("zoo_epoch_end(run):", "there is no hook zoo_epoch_end; did you mean zoo_epoch_ended?"),
        ("frobnicate():", "there is no hook frobnicate"),
        ("zoo_datasets(path):", "zoo_datasets asks for 'path'; it is given no arguments"),
        (
            "zoo_epoch_ended(run, step):",
            "zoo_epoch_ended asks for 'step'; it is given run, epoch, metrics",
        ),
    ],
)
def test_a_wrong_hook_is_left_out_and_named(site, hook, fault):
    """A misspelt hook, or an argument that there is not, is told; the plugin's others work."""
    site.plugin("acme", SOUND + f"@hookimpl\ndef {hook}\n    return []")
    site.plugin("sound", SOUND)
    registry = site.load()
    assert faults(registry) == [fault]
    assert faults(registry, "sound") == []
    assert names(registry) == ["acme/net", "sound/net"]


def test_a_wrong_hook_is_told_whatever_else_it_is_called(site):
    """`specname` gives a function of any name to a hook; optional hooks may not exist."""
    site.plugin(
        "acme",
        """
        @hookimpl(specname="zoo_models")
        def nets():
            return [ModelSpec(name="net", build="acme:Net")]

        @hookimpl(specname="zoo_model")
        def more_nets():
            return []

        @hookimpl(optionalhook=True)
        def zoo_of_the_future():
            return []
        """,
    )
    registry = site.load()
    assert faults(registry) == ["there is no hook zoo_model; did you mean zoo_models?"]
    assert names(registry) == ["acme/net"]


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused(site, option):
    """Pluggy's wrappers have nothing to wrap here: hooks are called one by one."""
    site.plugin("acme", SOUND + f"@hookimpl({option}=True)\ndef zoo_datasets():\n    yield")
    registry = site.load()
    assert faults(registry) == ["zoo_datasets is a wrapper, which zoo's hooks do not have"]
    assert names(registry) == ["acme/net"]


def test_a_hook_without_its_mark_is_told(site):
    """A function with a hook's name and no @hookimpl was forgotten, not meant."""
    site.plugin("all", ALL_KINDS, distribution="a-sound-one")
    site.plugin("acme", SOUND + "def zoo_datasets():\n    return []\nzoo_losses = 3")
    registry = site.load()
    assert faults(registry) == ["zoo_datasets lacks @hookimpl"]
    assert "acme/net" in names(registry)


def test_a_module_that_computes_its_attributes_is_left_in_peace(site):
    """Looking for forgotten marks runs no `__getattr__` of a plugin."""
    site.plugin("acme", SOUND + "def __getattr__(name):\n    raise RuntimeError(name)")
    registry = site.load()
    assert faults(registry) == []
    assert names(registry) == ["acme/net"]


def test_plugins_of_one_name_are_both_loaded(site):
    """Two distributions chose the same entry-point name: each is told of the other."""
    site.plugin("acme", ALL_KINDS, distribution="acme-one", version="1.5")
    site.plugin("acme", SOUND, distribution="acme-two", version="0.1")
    registry = site.load()
    one, two = registry.plugins
    assert one.faults == ["acme-two 0.1 has a plugin named 'acme' too"]
    assert two.faults == ["acme-one 1.5 has a plugin named 'acme' too"]
    assert names(registry).count("acme/net") == 2
    assert registry.find("optimizer", "acme/lion").plugin is one


def test_a_module_named_twice_is_loaded_once(site):
    """Two entry points to one module would offer everything twice."""
    site.module("shared_code", SOUND)
    site.metadata("acme-zoo", {"acme": "shared_code"}, "3.0")
    site.metadata("fork-zoo", {"fork": "shared_code"})
    site.plugins += ["acme", "fork"]
    registry = site.load()
    assert names(registry) == ["acme/net"]
    assert faults(registry) == []
    assert faults(registry, "fork") == ["shared_code is loaded already, as acme of acme-zoo 3.0"]


def test_one_distribution_may_bring_several_plugins(site):
    """Each line of the group is a plugin of its own, the broken one too."""
    site.module("first_code", SOUND)
    site.module("second_code", "raise ValueError('no luck')")
    site.module("third_code", SOUND)
    site.metadata("acme-zoo", {"a": "first_code", "b": "second_code", "c": "third_code"})
    site.plugins += ["a", "b", "c"]
    registry = site.load()
    assert names(registry) == ["a/net", "c/net"]
    assert faults(registry, "b") == ["ValueError: no luck"]


def test_one_distribution_may_not_use_a_name_twice(site):
    """A line repeated by mistake hides neither plugin, and is told."""
    site.module("first_code", SOUND)
    site.module("second_code", ALL_KINDS)
    site.metadata("acme-zoo", "acme = first_code\nacme = second_code")
    site.plugins.append("acme")
    registry = site.load()
    assert [plugin.faults for plugin in registry.plugins] == [
        ["acme-zoo 1.0 has a plugin named 'acme' too"]
    ] * 2
    assert registry.find("optimizer", "lion").name == "acme/lion"


def test_what_a_plugin_prints_stays_off_stdout(site, capsys):
    """Stdout may be JSON for a program: what a plugin prints goes to stderr."""
    site.plugin("acme", "print('at import')" + SOUND.replace("    ret", "    print('hook'); ret"))
    assert names(site.load()) == ["acme/net"]
    assert capsys.readouterr() == ("", "at import\nhook\n")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("acme", ["acme/net"]),
        ("acme,beta", ["acme/net", "beta/net"]),
        (" beta , acme,", ["acme/net", "beta/net"]),
        ("gamma", []),
        ("", []),
        (",", []),
    ],
)
def test_the_environment_selects_plugins(site, monkeypatch, selection, expected):
    """`ZOO_PLUGINS=a,b` loads those only, and an empty one loads none."""
    site.plugin("acme", SOUND)
    site.plugin("beta", SOUND)
    monkeypatch.setenv("ZOO_PLUGINS", selection)
    assert names(load()) == expected


def test_plugins_that_are_not_selected_are_not_imported(site, monkeypatch):
    """Selecting is also how to get around a plugin that can't be imported."""
    site.plugin("acme", "raise ValueError")
    site.plugin("beta", SOUND)
    monkeypatch.setenv("ZOO_PLUGINS", "beta")
    assert [plugin.name for plugin in load().plugins] == ["beta"]
    assert "acme_zoo_plugin" not in sys.modules


def test_what_the_caller_names_counts_before_the_environment(site, monkeypatch):
    """`load(only)` does not ask the environment."""
    site.plugin("acme", SOUND)
    site.plugin("beta", SOUND)
    monkeypatch.setenv("ZOO_PLUGINS", "beta")
    assert names(load(only=["acme"])) == ["acme/net"]
    assert names(load(only=[])) == []


def test_all_are_loaded_where_none_is_selected(site):
    """Without `ZOO_PLUGINS`, a stranger's plugin and the first-party ones are found alike."""
    site.plugin("acme", SOUND)
    registry = load()
    assert {"acme", "arrays", "optim", "vision"} <= {plugin.name for plugin in registry.plugins}
    assert "acme/net" in names(registry)


def test_loading_again_finds_the_same(site):
    """A second load knows nothing of the first: no plugin is there twice."""
    site.plugin("acme", ALL_KINDS)
    first, second = site.load(), site.load()
    assert [entry.spec for entry in first.entries] == [entry.spec for entry in second.entries]
    assert faults(first) == faults(second) == []


def test_loading_imports_nothing_heavy():
    """Every command waits for this: beyond a bare Python, only pluggy and the specs' modules."""
    script = textwrap.dedent(
        """
        import sys
        before = set(sys.modules)
        import zoo_registry
        zoo_registry.load()
        print(*(set(sys.modules) - before))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "ZOO_PLUGINS": "arrays,optim,vision"},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split())
    strangers = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
    assert strangers == {"pluggy", "zoo_registry", "zoo_arrays", "zoo_optim", "zoo_vision"}
    slow = {"configparser", "difflib", "email", "importlib.metadata", "pathlib", "zipfile"}
    assert not modules & slow


def test_every_public_name_is_there():
    """What `__all__` promises can be had, those imported late too; nothing else can."""
    for name in zoo_registry.__all__:
        assert getattr(zoo_registry, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = zoo_registry.absent
