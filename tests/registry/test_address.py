"""Addresses: checked when a spec is built, resolved when the thing is used."""

import collections
import os.path
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import ModelSpec, SpecError, resolve

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
DOTTED = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("collections:OrderedDict", collections.OrderedDict),
        ("os.path:join", os.path.join),
        ("collections:OrderedDict.fromkeys", collections.OrderedDict.fromkeys),
    ],
)
def test_an_address_leads_to_what_it_names(address, expected):
    """A module, dots allowed, and an attribute, dots allowed."""
    assert resolve(address) == expected


@given(module=DOTTED, attribute=DOTTED)
def test_any_dotted_names_with_a_colon_between_are_an_address(module, attribute):
    """Nothing is imported to check it."""
    before = set(sys.modules)
    assert ModelSpec(name="a", build=f"{module}:{attribute}").address == f"{module}:{attribute}"
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "address",
    [
        *("", ":", "nets", "acme.nets", "acme.nets:", ":Net", "a:b:c", "a..b:c", "a:b."),
        *("a b:c", "a-b:c", "a: b", "a.py/b:c", "1a:b", "a:b()"),
    ],
)
def test_other_texts_are_refused(address):
    """A file's path, a lone module, a call: the text shows how it is written."""
    with pytest.raises(SpecError) as caught:
        ModelSpec(name="a", build=address)
    assert str(caught.value) == f"{address!r} is not an address; write 'package.module:attribute'"


@pytest.mark.parametrize(
    ("source", "attribute", "cause"),
    [
        ("", "Net", "AttributeError: module '{module}' has no attribute 'Net'"),
        ("class Net: ...", "Net.Head", "AttributeError: type object 'Net' has no attribute 'Head'"),
        ("import acme_absent", "Net", "ModuleNotFoundError: No module named 'acme_absent'"),
        ("raise ValueError('no luck')", "Net", "ValueError: no luck"),
        ("raise SystemExit(1)", "Net", "SystemExit: 1"),
        ("def Net(:", "Net", "SyntaxError: "),
    ],
)
def test_an_address_that_does_not_resolve_says_why(site, source, attribute, cause):
    """The cause is kept: a missing attribute, a missing dependency, a module that raises."""
    site.module("acme_nets", source)
    with pytest.raises(SpecError) as caught:
        resolve(f"acme_nets:{attribute}")
    expected = f"'acme_nets:{attribute}' does not resolve ({cause.format(module='acme_nets')}"
    assert str(caught.value).startswith(expected)
    assert caught.value.__cause__ is not None


def test_a_module_that_is_not_there_is_named():
    """The package was uninstalled, or the address misspelt."""
    with pytest.raises(SpecError, match="ModuleNotFoundError: No module named 'acme_absent'"):
        resolve("acme_absent.nets:Net")


def test_an_interrupt_goes_through(site):
    """Ctrl-C during a long import stops the program."""
    site.module("acme_nets", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        resolve("acme_nets:Net")
