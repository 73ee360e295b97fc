"""What is read from a source is what importing it tells; nothing is read where that is unsure."""

import importlib
import inspect
import itertools
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry._signature import Signature, read_signature
from zoo_registry._static import Expression, NotStatic, read_call

KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def imported(address):
    """What Python itself says: (name, default) of each parameter, and whether any name will do."""
    module, _, attribute = address.partition(":")
    target = importlib.import_module(module)
    for part in attribute.split("."):
        target = getattr(target, part)
    parameters = inspect.signature(target).parameters.values()
    named = [
        (p.name, None if p.default is p.empty else p.default)
        for p in parameters
        if p.kind in KEYWORDS
    ]
    return named, any(p.kind == p.VAR_KEYWORD for p in parameters)


def as_read(signature: Signature):
    """The same of a signature that was read."""
    return [(o.name, o.default) for o in signature.options], signature.accepts_any


KNOWN = {
    "a function": "def build(a, b=1, *, c=2, **rest): ...",
    "a lambda": "build = lambda a, b=1: a",
    "another name": "def inner(a, b=1): ...\nbuild = inner",
    "another name of another name": "def inner(a): ...\nmiddle = inner\nbuild = middle",
    "a class": "class build:\n  def __init__(self, a, b=1): ...",
    "a class without anything": "class build: ...",
    "a class without an __init__": """
        class Base:
            def __init__(self, a, b=1): ...
        class build(Base):
            def forward(self): ...
    """,
    "a first base with its own __init__": """
        class Mixin: ...
        class Base:
            def __init__(self, a, b=1): ...
        class build(Base, Mixin): ...
    """,
    "a generic class": """
        from abc import ABC
        from typing import Generic, TypeVar
        T = TypeVar("T")
        class Base(ABC, Generic[T]):
            def __init__(self, a, b=1): ...
        class build(Base[int]): ...
    """,
    "an abstract class": """
        import abc
        class build(metaclass=abc.ABCMeta):
            @abc.abstractmethod
            def __init__(self, a, b=1): ...
    """,
    "a dataclass": """
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class build:
            a: int
            b: int = 1
            def method(self): ...
    """,
    "the fields of a dataclass": """
        import dataclasses
        from dataclasses import KW_ONLY, InitVar, dataclass, field
        from typing import ClassVar
        @dataclass
        class Base:
            a: int
            b: int = 1
        @dataclass(kw_only=True)
        class Middle(Base):
            shared: ClassVar[int] = 1
            computed: int = field(init=False, default=3)
            c: int = field(default=2)
            d: InitVar[int] = 5
            b: int = 7
        @dataclasses.dataclass
        class build(Middle):
            e: int = dataclasses.field(kw_only=True)
            f: int = 1
            _: KW_ONLY
            g: int = 4
    """,
    "a dataclass with its own __init__": """
        from dataclasses import dataclass
        @dataclass
        class build:
            a: int
            def __init__(self, b=1): ...
    """,
    "a plain class with a dataclass for a base": """
        from dataclasses import dataclass
        @dataclass
        class Base:
            a: int = 1
        class build(Base): ...
    """,
    "a decorator that leaves the call as it is": """
        import functools
        from functools import lru_cache
        @functools.cache
        @lru_cache(maxsize=None)
        def build(a, b=1): ...
    """,
    "partial": """
        from functools import partial
        def inner(a, b, c=1, **rest): ...
        build = partial(inner, 1, c=3)
    """,
    "partial of partial": """
        import functools
        def inner(a, b=2, c=1): ...
        middle = functools.partial(inner, b=3)
        build = functools.partial(middle, c=4)
    """,
    "a constant": "A = 3\nclass build:\n  B = 'b'\n  def __init__(self, a=A, b=B): ...",
    "constants in a tuple": "A = -3\ndef build(a=(A, 1.5, [A])): ...",
    "overloads": """
        from typing import overload
        class build:
            @overload
            def __init__(self, a: int) -> None: ...
            @overload
            def __init__(self, a: str, b: int = ...) -> None: ...
            def __init__(self, a, b=1): ...
    """,
    "a name that a condition binds elsewhere": """
        try:
            import nothing_of_the_kind
        except ImportError:
            nothing_of_the_kind = None
        def build(a, b=1): ...
    """,
}


@pytest.mark.parametrize("source", KNOWN.values(), ids=KNOWN)
def test_a_source_tells_what_importing_it_would(write_package, source):
    """Names, order, defaults and `**kwargs` agree with `inspect.signature`."""
    address = f"{write_package(source)}:build"
    read_call(address)  # not by way of an import
    assert as_read(read_signature(address)) == imported(address)


UNKNOWN = {
    "bound twice": "def build(a): ...\nbuild = build",
    "bound on condition": "if True:\n  def build(a): ...",
    "bound in a loop": "for build in (int, str): ...",
    "rebound by an attribute": "class build:\n  ...\nbuild.__init__ = lambda self, a: None",
    "deleted": "def build(a): ...\ndel build\nfrom functools import reduce as build",
    "computed": "build = (lambda a: lambda b: a)(1)",
    "decorated": "def mark(f): return lambda b: b\n@mark\ndef build(a): ...",
    "a namesake of a known decorator": """
        def cache(f): return lambda b: b
        @cache
        def build(a): ...
    """,
    "a decorated __init__": """
        def mark(f): return lambda self, b: None
        class build:
            @mark
            def __init__(self, a): ...
    """,
    "a metaclass": """
        class Meta(type):
            def __call__(cls, b): ...
        class build(metaclass=Meta):
            def __init__(self, a): ...
    """,
    "an enumeration": "from enum import Enum\nclass build(Enum):\n  A = 1",
    "a named tuple": "from typing import NamedTuple\nclass build(NamedTuple):\n  a: int = 1",
    "__new__": "class build:\n  def __new__(cls, a): ...\n  def __init__(self, *args): ...",
    "an __init__ on condition": "class build:\n  if True:\n    def __init__(self, a): ...",
    "a base in C": "class build(dict): ...",
    "a computed base": "def base(): return int\nclass build(base()): ...",
    "several bases and no __init__ in the first": """
        class Root:
            def __init__(self, a): ...
        class First(Root): ...
        class Second(Root):
            def __init__(self, b): ...
        class build(First, Second): ...
    """,
    "a dataclass without __init__": """
        from dataclasses import dataclass
        @dataclass(init=False)
        class build:
            a: int = 1
    """,
    "a dataclass with a computed base": """
        from dataclasses import dataclass
        def base(): return object
        Base = base()
        @dataclass
        class build(Base):
            a: int = 1
    """,
    "partial with computed words": """
        from functools import partial
        def inner(a, b=1): ...
        build = partial(inner, **{"b": 2})
    """,
    "a module's __getattr__": "def __getattr__(name): return lambda a: a",
    "in circles": "from . import other\nbuild = other.build",
    "stars on condition": "def build(a): ...\nif True:\n  from operator import *",
}


@pytest.mark.parametrize("source", UNKNOWN.values(), ids=UNKNOWN)
def test_what_only_running_can_tell_is_not_guessed(write_package, source):
    """Whatever may come out otherwise at run time is left to the import."""
    package = write_package(source, other="from . import build")
    with pytest.raises(NotStatic):
        read_call(f"{package}:build")


LAYOUTS = {
    "from a sibling": {"__init__": "", "nets": "from .deep import build", "deep": "{}"},
    "from the parent": {"__init__": "{}", "nets": "from . import build"},
    "by its whole name": {"__init__": "", "nets": "from <package>.deep import build", "deep": "{}"},
    "under another name": {
        "__init__": "",
        "nets": "from .deep import b as build",
        "deep": "{}\nb = build",
    },
    "through a submodule": {
        "__init__": "",
        "nets": "from . import deep\nbuild = deep.build",
        "deep": "{}",
    },
    "through a module's whole name": {
        "__init__": "",
        "nets": "import <package>.deep\nbuild = <package>.deep.build",
        "deep": "{}",
    },
    "through a module's short name": {
        "__init__": "",
        "nets": "import <package>.deep as d\nbuild = d.build",
        "deep": "{}",
    },
    "through *": {"__init__": "", "nets": "from .deep import *", "deep": "{}"},
    "through * and __all__": {
        "__init__": "",
        "nets": "from .first import *\nfrom .deep import *",
        "first": "__all__ = ['other']\nother = 1\nfrom functools import reduce as build",
        "deep": "{}",
    },
    "a base elsewhere": {
        "__init__": "",
        "nets": "from . import deep\nclass build(deep.build): ...",
        "deep": "class build:\n  def __init__(self, a, b=1): ...",
    },
    "a constant elsewhere": {
        "__init__": "",
        "nets": "from .deep import WIDTH\ndef build(a, b=WIDTH): ...",
        "deep": "WIDTH = (1, 2)",
    },
}


@pytest.mark.parametrize("modules", LAYOUTS.values(), ids=LAYOUTS)
def test_names_are_followed_through_imports(write_package, tmp_path, modules):
    """An address may name what a module only passes on."""
    package = write_package(**modules)
    for path in (tmp_path / "packages" / package).iterdir():
        text = path.read_text().replace("{}", "def build(a, b=1): ...")
        path.write_text(text.replace("<package>", package))
    address = f"{package}.nets:build"
    read_call(address)
    assert as_read(read_signature(address)) == imported(address)


@pytest.mark.parametrize("method", ["made", "cached", "given", "Inner", "Inner.made"])
def test_a_builder_may_be_an_attribute_of_a_class(write_package, method):
    """Class methods come without their class, static ones as they are, inherited ones too."""
    package = write_package(
        """
        class Base:
            @classmethod
            def made(cls, a, b=1): ...
            @staticmethod
            def given(a, *, c=3): ...
        class Net(Base):
            @classmethod
            def cached(cls, a, b=2): ...
            class Inner(Base):
                def __init__(self, d, e=5): ...
        """
    )
    address = f"{package}:Net.{method}"
    read_call(address)
    assert as_read(read_signature(address)) == imported(address)


def test_a_namespace_package_is_walked_through(tmp_path, monkeypatch):
    """Packages without an `__init__.py`, in two places, are found as Python finds them."""
    for place, module in (("one", "first"), ("two", "second")):
        folder = tmp_path / place / "spread_out" / "deep"
        folder.mkdir(parents=True)
        (folder / f"{module}.py").write_text(f"def build({module}=1): ...")
        monkeypatch.syspath_prepend(tmp_path / place)
    for module in ("first", "second"):
        call = read_call(f"spread_out.deep.{module}:build")
        assert [parameter.name for parameter in call.parameters] == [module]


@pytest.mark.parametrize("text", ["def build(:", "\x00", "# coding: nonsense\ndef build(): ..."])
def test_a_broken_source_is_left_to_the_import(write_package, text):
    """Python's own error says more about it."""
    with pytest.raises(NotStatic):
        read_call(f"{write_package(text)}:build")


def test_a_warning_about_a_source_is_not_the_users(write_package):
    r"""Reading `"\d"` without an r before it, which Python warns of, says nothing."""
    package = write_package(r'def build(a="\d"): ...')
    (option,) = read_signature(f"{package}:build").options
    assert option.default == r"\d"


@pytest.mark.parametrize(
    "address",
    [
        "json:class",
        "math:sin",
        "sys:exit",
        "builtins:dict",
        "no_such_package:x",
        "json.no_module:x",
    ],
)
def test_what_is_not_python_source_is_left_to_the_import(address):
    """Extension modules, built-in ones and those that do not exist."""
    with pytest.raises(NotStatic):
        read_call(address)


@pytest.mark.parametrize(
    ("source", "annotation"),
    [
        ("def build(a: int | None): ...", "int | None"),
        ("def build(a: 'int | None'): ...", "int | None"),
        ("def build(a: list['int']): ...", "list[int]"),
        ("Size = int\ndef build(a: Size): ...", "int"),
        ("Size = int | None\ndef build(a: list[Size]): ...", "list[int | None]"),
        ("Size = int\nSizes = list[Size]\ndef build(a: 'Sizes'): ...", "list[int]"),
        ("from typing import *\nSize: TypeAlias = int\ndef build(a: Size): ...", "int"),
        ("Loop = list[Loop]\ndef build(a: Loop): ...", None),
        ("from .types import Name as N\ndef build(a: N | None): ...", "Literal['Own', 'x'] | None"),
        ("from .types import Own\ndef build(a: Own): ...", "Own"),
        ("from decimal import Decimal\ndef build(a: Decimal): ...", "Decimal"),
        ("import typing as t\nOwn = int\ndef build(a: t.Literal['Own']): ...", "t.Literal['Own']"),
        ("Size = int if True else str\ndef build(a: Size): ...", "Size"),
        ("def build(a: 'not an annotation'): ...", "'not an annotation'"),
        ("if True:\n  Size = int\ndef build(a: Size): ...", "Size"),
    ],
)
def test_a_packages_own_names_for_types_are_written_out(write_package, source, annotation):
    """`Activation` says nothing to a user, `Literal['relu', 'tanh']` does."""
    types = "from typing import Literal\nclass Own: ...\nName = Literal['Own', 'x']"
    package = write_package(nets=source, types=types)
    (option,) = read_signature(f"{package}.nets:build").options
    if annotation is None:  # it leads in circles; that it ends is what counts
        assert option.annotation.startswith("list[")
    else:
        assert option.annotation == annotation


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in Python 3.12")
def test_a_type_statement_is_a_name_for_a_type(write_package):
    """`type Activation = …` is written out as an assignment is."""
    package = write_package("type Size = int | None\ndef build(a: Size): ...")
    assert read_signature(f"{package}:build").options[0].annotation == "int | None"


@pytest.mark.parametrize(
    ("source", "default"),
    [
        ("import math\ndef build(a=math.pi): ...", "math.pi"),
        ("A = int()\ndef build(a=A): ...", "A"),
        ("A = 1\nA = 2\ndef build(a=A): ...", "A"),
        ("A = 1\nclass build:\n  A = f()\n  def __init__(self, a=A): ...", "A"),
        ("def build(a=[x for x in y]): ...", "[x for x in y]"),
        ("def build(a=float('inf')): ...", "float('inf')"),
    ],
)
def test_a_default_that_is_computed_stays_text(write_package, source, default):
    """What it comes to is not known without running it."""
    (option,) = read_signature(f"{write_package(source)}:build").options
    assert option.default == Expression(default)
    assert isinstance(option.default, Expression)


_NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)
_DEFAULTS = (
    st.none()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)


@st.composite
def _parameters(draw):
    """The text of a parameter list, with any mix of kinds and defaults."""
    parts, optional = [], False
    names = draw(_NAMES)
    marks = sorted(draw(st.lists(st.integers(0, len(names)), min_size=2, max_size=2)))
    for index, name in enumerate(names):
        if index == marks[0] and index:
            parts.append("/")
        if index == marks[1]:
            parts.append("*")
            optional = False
        optional = draw(st.booleans()) or (optional and index < marks[1])
        parts.append(f"{name}={draw(_DEFAULTS)!r}" if optional else name)
    return ", ".join(parts + (["**rest"] if draw(st.booleans()) else []))


_COUNT = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder on the path, for modules that live as long as this one's tests."""
    made = tmp_path_factory.mktemp("modules")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(made)
        yield made


@given(parameters=_parameters(), kind=st.sampled_from(["function", "class", "lambda"]))
def test_any_parameter_list_is_read_as_python_reads_it(folder, parameters, kind):
    """Every mix of positional, ordinary and keyword-only parameters, defaults and `**rest`."""
    own = ", ".join(filter(None, ["self", parameters]))
    source = {
        "function": f"def build({parameters}): ...",
        "class": f"class build:\n  def __init__({own}): ...",
        "lambda": f"build = lambda {parameters}: None",
    }[kind]
    name = f"drawn_{next(_COUNT)}"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    try:
        read_call(f"{name}:build")
        assert as_read(read_signature(f"{name}:build")) == imported(f"{name}:build")
    finally:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "module",
    [
        "torch.optim",
        "torch.optim.lr_scheduler",
        "torch.nn.modules.loss",
        "argparse",
        "click",
        "pluggy",
        "textwrap",
    ],
)
def test_what_is_installed_is_read_as_it_is_imported(module):
    """Each public class and function of packages that were not written for this."""
    compared = 0
    for name, target in vars(importlib.import_module(module)).items():
        deprecated = hasattr(target, "__deprecated__")  # typing_extensions wraps its __new__
        if name.startswith("_") or not callable(target) or deprecated:
            continue
        try:
            read_call(f"{module}:{name}")
        except NotStatic:
            continue
        read, any_read = as_read(read_signature(f"{module}:{name}"))
        known, any_known = imported(f"{module}:{name}")
        assert [n for n, _ in read] == [n for n, _ in known], name
        assert any_read == any_known, name
        for (option, default), (_, value) in zip(read, known, strict=True):
            assert isinstance(default, Expression) or default == value, f"{name}.{option}"
        compared += 1
    assert compared >= 5
