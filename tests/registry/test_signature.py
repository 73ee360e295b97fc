"""A component's options are its builder's parameters, read without importing where possible."""

import subprocess
import sys
import textwrap

import pytest

from zoo_registry import (
    DatasetSpec,
    LossSpec,
    ModelSpec,
    OptimizerSpec,
    SchedulerSpec,
    SpecError,
)
from zoo_registry._signature import Option, options_of, read_signature
from zoo_registry._static import Expression


def test_the_parameters_of_a_class_are_its_options(write_package):
    """Names, annotations, defaults and what is required come as they are written."""
    package = write_package(
        """
        class Net(Base):
            '''Score digits.

            More about it.
            '''
            def __init__(self, depth: int, width: int = 64, *, act: str | None = None, **rest):
                ...
        """
    )
    signature = read_signature(f"{package}:Net")
    assert signature.options == (
        Option("depth", "int", required=True),
        Option("width", "int", 64),
        Option("act", "str | None", None),
    )
    assert signature.accepts_any
    assert signature.doc == "Score digits."


def test_the_parameters_of_a_function_are_its_options(write_package):
    """A builder may be any function; positional-only ones and `*args` can't be given by name."""
    package = write_package(
        """
        def build(first, /, second, *others, third=(1, 2.5), fourth=-3):
            '''Build
            it.'''
        """
    )
    signature = read_signature(f"{package}:build")
    assert signature.options == (
        Option("second", required=True),
        Option("third", "", (1, 2.5)),
        Option("fourth", "", -3),
    )
    assert not signature.accepts_any
    assert signature.doc == "Build it."


def test_reading_a_source_imports_nothing(write_package):
    """A module whose import fails, under a parent whose import fails, still tells its options."""
    package = write_package(
        "raise RuntimeError('imported the parent')",
        nets="""
        raise RuntimeError("imported")
        class Net:
            def __init__(self, width: int = 3): ...
        """,
    )
    signature = read_signature(f"{package}.nets:Net")
    assert signature.options == (Option("width", "int", 3),)
    assert not [name for name in sys.modules if name.startswith(package)]


def test_torch_optimizers_are_read_without_importing_torch():
    """`zoo info adamw` costs no import of torch, through either of its addresses."""
    program = """
        import sys
        from zoo_registry._signature import read_signature
        for address in ("torch.optim.adamw:AdamW", "torch.optim:AdamW", "torch.optim:Muon"):
            options = {option.name: option for option in read_signature(address).options}
            assert options["weight_decay"].annotation == "float", options
            assert not options["weight_decay"].required
        assert options["ns_coefficients"].default == (3.4445, -4.775, 2.0315), options
        assert "torch" not in sys.modules
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


@pytest.mark.parametrize(
    ("spec", "builder", "expected"),
    [
        (ModelSpec, "model", ["root", "lr"]),
        (DatasetSpec, "dataset", ["fold"]),
        (OptimizerSpec, "Optimizer", ["momentum"]),
        (SchedulerSpec, "scheduler", ["power"]),
        (LossSpec, "loss", ["params"]),
    ],
)
def test_what_the_loop_supplies_is_no_option(write_package, spec, builder, expected):
    """A dataset's root, an optimizer's params and lr, a scheduler's optimizer and total_steps."""
    package = write_package(
        """
        def model(root, lr): ...
        def dataset(root, fold=1): ...
        class Optimizer:
            def __init__(self, params, lr=0.1, momentum=0.9): ...
        def scheduler(optimizer, total_steps, power=1): ...
        def loss(params=1): ...
        """
    )
    signature = options_of(spec(name="x", build=f"{package}:{builder}"))
    assert [option.name for option in signature.options] == expected


def test_choices_are_the_values_of_a_literal(write_package):
    """`zoo info` can then list them, also through the package's own name for the type."""
    package = write_package(
        nets="""
        from typing import Literal
        from ._types import Activation
        def build(activation: Activation = "relu", norm: Literal["batch", "layer"] | None = None):
            ...
        """,
        _types="""
        from typing import Literal
        Activation = Literal["relu", "tanh"]
        """,
    )
    activation, norm = read_signature(f"{package}.nets:build").options
    assert activation.choices == ("relu", "tanh")
    assert activation.annotation == "Literal['relu', 'tanh']"
    assert norm.choices == ("batch", "layer", None)


def test_a_default_that_is_no_plain_value_is_shown_as_its_source(write_package):
    """A class as a default can't be evaluated without importing it; its text is what it is."""
    package = write_package("def build(activation=nn.ReLU, scale=1 / 255): ...")
    activation, scale = read_signature(f"{package}:build").options
    assert isinstance(activation.default, Expression)
    assert repr(activation.default) == "nn.ReLU"
    assert scale.default == Expression("1 / 255")


@pytest.mark.parametrize(
    "source",
    [
        "@register\ndef build(width: int = 3, *, act=int, **rest): ...",
        "@register\nclass build:\n  def __init__(self, width: int = 3, *, act=int, **rest): ...",
        "from functools import partial\n"
        "def inner(width: int, *, act=int, **rest): ...\n"
        "build = register(partial(inner, width=3))",
        "if True:\n  def build(width: int = 3, *, act=int, **rest): ...",
    ],
)
def test_what_only_running_can_tell_is_imported(write_package, source):
    """Unknown decorators and computed builders fall back to the import, in the same shape."""
    package = write_package(f"def register(thing): return thing\n{source}")
    signature = read_signature(f"{package}:build")
    assert package in sys.modules
    width, act = signature.options
    assert (width.name, width.annotation, width.default) == ("width", "int", 3)
    assert (act.name, act.annotation, act.default) == ("act", "", Expression("builtins.int"))
    assert signature.accepts_any


def test_an_imported_signature_looks_like_a_written_one(write_package):
    """Options do not change with the way they were found out."""
    body = """(
            first: int,
            second: float | None = None,
            third: "list[int]" = [1, 2],
            fourth: Literal["a", "b"] = "a",
            **rest,
        ):
            '''Build it.'''
        """
    package = write_package(
        f"""
        from typing import Literal
        def same(function): return function
        def written{body}
        @same
        def imported{body}
        """
    )
    assert read_signature(f"{package}:imported") == read_signature(f"{package}:written")


def test_a_builder_made_while_running_is_inspected():
    """A class of a notebook has no source file; its signature is still its own."""
    sys.modules["made_by_hand"] = module = type(sys)("made_by_hand")
    try:
        module.build = lambda width=5: width
        assert read_signature("made_by_hand:build").options == (Option("width", "", 5),)
    finally:
        del sys.modules["made_by_hand"]


def test_a_builder_in_c_without_a_signature_accepts_any_name():
    """Nothing is known of it, so nothing is refused."""
    signature = read_signature("builtins:dict")
    assert signature.options == ()
    assert signature.accepts_any


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("no_such_package_here.nets:Net", "does not resolve"),
        ("zoo_registry:NoSuchThing", "does not resolve"),
        ("zoo_registry._markers:PROJECT", "is a str, which can't be called"),
    ],
)
def test_an_address_that_leads_nowhere_is_the_authors_error(address, message):
    """The text names the address and the cause."""
    with pytest.raises(SpecError, match=message) as caught:
        read_signature(address)
    assert address in str(caught.value)


def test_a_source_edited_in_the_meantime_is_read_again(write_package, tmp_path):
    """What was parsed is kept for as long as the file is the same."""
    package = write_package("def build(width=1): ...")
    assert read_signature(f"{package}:build").options[0].default == 1
    path = tmp_path / "packages" / package / "__init__.py"
    path.write_text("def build(width=22): ...")
    assert read_signature(f"{package}:build").options[0].default == 22
