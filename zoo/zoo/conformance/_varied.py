"""Each option of a builder is tried at other values than its default."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from zoo_registry import Option, UsageError, ZooError, options_of

from .._options import check_options
from ._check import Failed, Skipped, Subject, cause

REFUSALS = (ZooError, ValueError)
"""What a builder may raise for a value that it does not take."""


def vary(
    subject: Subject,
    attempt: Callable[[dict[str, Any]], object],
    *,
    fixed: Mapping[str, Any] | None = None,
    filled: Collection[str] = (),
    refusals: tuple[type[Exception], ...] = REFUSALS,
) -> str:
    """Try every value of every option, each by itself; say which work and which are refused.

    Args:
        subject: of the check.
        attempt: builds with these options and puts it to use; raises where that fails.
        fixed: options that are set in each attempt.
        filled: names of options that are left alone, for the data decide them.
        refusals: what it may raise for a value that is not taken.

    Raises:
        Failed: a value led to another exception, or it is one of a `Literal` and is refused.
        Skipped: there is nothing to vary.
    """
    entry = subject.spec_entry
    signature = options_of(entry.spec)
    tried, refused = [], []
    for option in signature.options:
        for value in _others(option) if option.name not in filled else ():
            text, asked = f"{option.name}={value!r}", {**(fixed or {}), option.name: value}
            try:
                attempt(check_options(entry.name, entry.spec.kind, signature, asked, filled=filled))
                tried.append(text)
            except Exception as error:
                if not _is_refusal(subject, option, error, refusals):
                    raise Failed(f"{text}: {cause(error)}") from error
                refused.append(text)
    if not tried and not refused:
        raise Skipped("it has no options with other values to try")
    said = [", ".join(tried), f"refused: {', '.join(refused)}" if refused else ""]
    return "; ".join(filter(None, said))


def _others(option: Option) -> Iterator[object]:
    """Yield other values than the default that its annotation allows."""
    default = option.default
    if option.choices:
        yield from (choice for choice in option.choices if choice != default)
    elif isinstance(default, bool):
        yield not default
    elif isinstance(default, int):
        yield from {default + 1, 2 * default} - {default}
    elif isinstance(default, float):
        yield default / 2 if default else 0.25
    elif isinstance(default, tuple | list) and default:
        yield type(default)([*default, default[-1]])
        yield type(default)(default[:-1])


def _is_refusal(
    subject: Subject, option: Option, error: Exception, refusals: tuple[type[Exception], ...]
) -> bool:
    """Tell whether a value is said to be wrong, as it may be.

    No value of a `Literal` may be, for that promises them to be right. That weights or data are not
    on this machine is no such thing. And of a builder that serves many specs, with arguments, the
    annotation has the values of all of them: one may be refused in plain words.
    """
    if isinstance(error, Failed) or not isinstance(error, refusals):
        return False
    if not option.choices:
        return True
    if isinstance(error, UsageError):
        return bool(subject.spec_entry.spec.arguments)
    return not isinstance(error, ValueError)
