"""Specs are frozen data, checked where they are built."""

import dataclasses
import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import (
    DatasetSpec,
    LossSpec,
    ModelSpec,
    OptimizerSpec,
    SchedulerSpec,
    SpecError,
    Splits,
    ZooError,
    resolve,
)

SPECS = [ModelSpec, DatasetSpec, OptimizerSpec, LossSpec, SchedulerSpec]


class Net:
    """A builder at the top of a module, with another inside and an alternative constructor."""

    class Head:
        """A class in a class can be imported by name."""

    @classmethod
    def small(cls):
        """Build it small."""
        return cls()


class WideNet(Net):
    """It inherits `small`, which builds another class than `Net.small`."""


@functools.wraps(dataclasses.field)
def disguised():
    """Carry the name of something else."""


@pytest.mark.parametrize("kind", SPECS)
def test_a_spec_is_frozen_and_built_by_keyword(kind):
    """What a plugin said once stays said."""
    spec = kind(name="net", build="acme.nets:Net", summary="a net")
    assert (spec.name, spec.address, spec.summary) == ("net", "acme.nets:Net", "a net")
    assert spec == kind(name="net", build="acme.nets:Net", summary="a net")
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"
    with pytest.raises(TypeError):
        kind("net", "acme.nets:Net")


def test_what_is_left_open_is_empty():
    """Only the name and the builder are asked for."""
    model = ModelSpec(name="net", build="a:b")
    assert (model.summary, model.datasets, model.recipe, model.recipes) == ("", (), {}, {})
    dataset = DatasetSpec(name="moons", build="a:b")
    assert (dataset.files, dataset.urls) == ((), ())


@pytest.mark.parametrize("name", ["a", "0", "resnet18", "mnist-cnn", "vit_b.16-in1k", "x--y"])
def test_sound_names_pass(name):
    """Lower-case letters, digits, `.`, `_` and `-`, a letter or digit first."""
    assert ModelSpec(name=name, build="a:b").name == name


@pytest.mark.parametrize(
    "name", ["", "Net", "-net", ".net", "a b", "a/b", "net\n", "größe", 3, None]
)
def test_other_names_are_refused(name):
    """A name is typed on a command line, stands in paths, and `/` parts it from its plugin."""
    with pytest.raises(SpecError) as caught:
        ModelSpec(name=name, build="a:b")
    assert str(caught.value) == (
        f"{name!r} is not a model name; use lower-case letters, digits, . _ -"
    )
    assert isinstance(caught.value, ZooError)


@given(st.text(max_size=12))
def test_a_name_that_passes_means_itself_on_a_command_line(name):
    """No space, slash, quote, wildcard or leading dash gets through."""
    try:
        LossSpec(name=name, build="a:b")
    except SpecError:
        return
    assert name == name.strip("-.").lower() or name[0] not in "-."
    assert not set(name) & set(" /\\'\"*?[]:=,$~\n\t")


@pytest.mark.parametrize(
    ("task", "tasks"),
    [
        ("regression", ("regression",)),
        (("classification", "multilabel"), ("classification", "multilabel")),
        ((), ()),
    ],
)
def test_a_spec_names_one_task_or_several(task, tasks):
    """However it is written, `tasks` gives them all."""
    for kind in (ModelSpec, DatasetSpec, LossSpec):
        assert kind(name="a", build="a:b", task=task).tasks == tasks
    assert OptimizerSpec(name="a", build="a:b").tasks == ()


@pytest.mark.parametrize(
    ("kind", "field", "value", "text"),
    [
        (ModelSpec, "datasets", "digits", "datasets='digits' is not a tuple of names"),
        (ModelSpec, "datasets", ["digits"], "datasets=['digits'] is not a tuple of names"),
        (ModelSpec, "datasets", (3,), "datasets=(3,) is not a tuple of names"),
        (ModelSpec, "task", None, "task=None is not a name or a tuple of them"),
        (ModelSpec, "task", ("regression", 1), "is not a name or a tuple of them"),
        (ModelSpec, "recipe", [("epochs", 3)], "recipe=[('epochs', 3)] is not a mapping"),
        (ModelSpec, "recipe", None, "recipe=None is not a mapping"),
        (ModelSpec, "recipes", {"digits": 3}, "recipes={'digits': 3} is not a mapping of mappings"),
        (DatasetSpec, "files", "raw", "files='raw' is not a tuple of paths"),
        (DatasetSpec, "urls", "https://x.org", "is not a tuple of addresses"),
        (OptimizerSpec, "summary", None, "summary=None is not one line"),
        (SchedulerSpec, "summary", "a\nb", r"summary='a\nb' is not one line"),
    ],
)
def test_fields_of_the_wrong_type_are_refused(kind, field, value, text):
    """A forgotten comma is told to the plugin's author, not to whoever trains."""
    with pytest.raises(SpecError) as caught:
        kind(name="net", build="a:b", **{field: value})
    assert str(caught.value).startswith(f"{kind.kind} 'net': {field}=")
    assert text in str(caught.value)


@pytest.mark.parametrize("build", [Net, Net.Head, Net.small, WideNet, dataclasses.field, len])
def test_a_callable_is_turned_into_its_address(build):
    """Where Python can find it again by name, and then it is the same."""
    spec = ModelSpec(name="net", build=build)
    assert isinstance(spec.build, str)
    assert resolve(spec.address) == build
    assert spec == ModelSpec(name="net", build=spec.address)


def local():
    """Return a function that only this one knows."""

    def build():
        """Build."""

    return build


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: None, "'<lambda>' can't be imported by name; move it to the top of its module"),
        (local(), "'local.<locals>.build' can't be imported by name"),
        (
            functools.partial(Net),
            "functools.partial(<class 'test_specs.Net'>) can't be imported by name",
        ),
        (WideNet.small, "'Net.small' can't be imported by name"),
        (Net().small.__func__.__get__(Net(), Net), "'Net.small' can't be imported by name"),
        (disguised, "'field' can't be imported by name"),
        (Net(), "is neither an address nor a callable"),
        (None, "build=None is neither an address nor a callable"),
        (3, "build=3 is neither an address nor a callable"),
    ],
)
def test_what_import_can_not_find_again_is_refused(build, text):
    """Lambdas, locals and whatever carries another's name would fail, or build another thing."""
    with pytest.raises(SpecError) as caught:
        ModelSpec(name="net", build=build)
    assert text in str(caught.value)


def test_splits_need_only_samples_to_train_on():
    """A dataset without a test split, classes or statistics says so by leaving them empty."""
    splits = Splits(train=[1])
    assert (splits.test, splits.classes, splits.task) == (None, (), None)
    assert (splits.mean, splits.std) == ((), ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        splits.train = []
