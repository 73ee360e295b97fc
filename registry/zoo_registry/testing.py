"""A pytest plugin: the conformance kit as tests, one for each check of each thing offered.

    import pytest

    @pytest.mark.zoo_plugin("acme")
    def test_acme(zoo_check):
        zoo_check()

pytest finds it by itself where zoo is installed (the entry point `pytest11`). It imports nothing
until a test has that mark: others' tests don't wait for it. The kit is found by an entry point too,
in the group `zoo_registry.kit`, for the contract imports no application.
"""

import unittest
from collections.abc import Callable, Sequence
from typing import Any

from ._errors import UsageError, ZooError

MARK, ARGUMENT = "zoo_plugin", "zoo_check"
_GROUP = "zoo_registry.kit"


def pytest_configure(config: Any) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{MARK}(name, *patterns): checks the zoo plugin `name`, or what matches of it"
    )


def pytest_generate_tests(metafunc: Any) -> None:
    """Turn a test with the mark into one for each check."""
    if ARGUMENT not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker(MARK)
    tests = _tests(*mark.args) if mark and mark.args else [_fails(_UNMARKED, ARGUMENT)]
    metafunc.parametrize(ARGUMENT, [test for _, test in tests], ids=[name for name, _ in tests])


_UNMARKED = f'mark the test with @pytest.mark.{MARK}("name of your plugin")'

Test = tuple[str, Callable[[], None]]
"""A name, and what is called in the test."""


def _tests(name: str, *patterns: str) -> Sequence[Test]:
    """Return a test for each check; of a plugin that is not there, one that fails."""
    # Here, for it is the first use: loading plugins is what a test without the mark is spared.
    from ._registry import load

    try:
        checks = _kit()(load(), name, patterns)
    except ZooError as error:
        return [_fails(str(error), name)]
    return [(check.name, _test(check)) for check in checks]


def _kit() -> Callable[..., Sequence[Any]]:
    """Find what plans checks: `(registry, plugin's name, patterns) -> checks`.

    Raises:
        UsageError: no installed distribution offers it.
    """
    from ._address import resolve
    from ._installed import entry_points

    for point in entry_points(_GROUP):
        kit: Callable[..., Sequence[Any]] = resolve(point.value)
        return kit
    raise UsageError(
        f"no installed distribution offers a conformance kit (entry point {_GROUP}); install "
        "zoo-registry again: pip install --force-reinstall --no-deps zoo-registry"
    )


def _test(check: Any) -> Callable[[], None]:
    def run() -> None:
        __tracebackhide__ = True
        outcome = check.run()
        if outcome.verdict == "skipped":
            raise unittest.SkipTest(outcome.detail)
        if not outcome.holds:
            raise AssertionError(f"{check.name}: {outcome.detail}") from outcome.error

    return run


def _fails(text: str, name: str) -> Test:
    def run() -> None:
        __tracebackhide__ = True
        raise AssertionError(text)

    return name, run
