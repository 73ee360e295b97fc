"""A component's options, checked against its signature before anything is built."""

from collections.abc import Collection, Mapping
from typing import Any

from zoo_registry import SUPPLIED, InvalidOption, Option, Signature, nearest

from ._annotations import convert, describe

_OWN_KEYS = {("optimizer", "lr"): "lr (--lr)", ("dataset", "root"): "data_dir (--data-dir)"}
"""What the loop supplies but the user chooses, by the recipe's key for it."""
_LONGEST = 60
"""Characters of a wrong value that a message repeats."""


def check_options(
    entry_name: str,
    kind: str,
    signature: Signature,
    values: Mapping[str, object],
    *,
    filled: Collection[str] = (),
) -> dict[str, Any]:
    """Check the names and the types of options; return them as the builder's annotations ask.

    A list becomes a tuple and an int a float where that is what is annotated; a bool is never
    taken for an int, nor a string for anything else. What can't be told from an annotation's
    text, such as a class of the plugin's own, is not checked.

    Args:
        entry_name: qualified, for messages.
        kind: of the spec, which is how the option is written: `model.width`.
        signature: as `zoo_registry.options_of` gives it.
        values: the options as the user gave them.
        filled: required options that need not be given, for something will fill them later.

    Raises:
        InvalidOption: an option that there is not, of another type, or missing.
    """
    options = {option.name: option for option in signature.options}
    checked = {}
    for name, value in values.items():
        if name in SUPPLIED.get(kind, ()):
            raise InvalidOption(_supplied(entry_name, kind, name))
        if name in options:
            checked[name] = _checked(kind, options[name], value)
        elif signature.accepts_any:
            checked[name] = value
        else:
            raise InvalidOption(_unknown(entry_name, name, tuple(options)))
    missing = [o.name for o in signature.options if o.required and o.name not in values]
    if missing := [name for name in missing if name not in filled]:
        example = f"--set {kind}.{missing[0]}=…"
        raise InvalidOption(f"{entry_name} needs {' and '.join(missing)}: {example}")
    return checked


def _checked(kind: str, option: Option, value: object) -> Any:
    try:
        return convert(value, option.annotation)
    except ValueError as error:
        wanted = describe(option.annotation)
        shown = repr(value)
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}…"
        told = f"{kind}.{option.name} must be {wanted}, not {shown} ({type(value).__name__})"
        raise InvalidOption(told + _hint(option, value, wanted)) from error


def _hint(option: Option, value: object, wanted: str) -> str:
    """Help with what is easily mistyped on a command line."""
    if not isinstance(value, str):
        return ""
    words = [str(choice) for choice in option.choices]
    if value.lower() in ("true", "false") and "bool" in wanted:
        return f"; write {value.lower()}"
    if "," in value and any(word in wanted for word in ("list", "tuple", "Sequence")):
        return f"; write [{value.strip('()[] ')}]"
    return "".join(f"; did you mean {close!r}?" for close in nearest(value, words)[:1])


def _unknown(entry_name: str, name: str, known: tuple[str, ...]) -> str:
    if not known:
        return f"{entry_name} has no option {name!r}; it has none at all"
    hint = "".join(f"; did you mean {close!r}?" for close in nearest(name, known)[:1]) or "."
    return f"{entry_name} has no option {name!r}{hint} Its options: {', '.join(known)}"


def _supplied(entry_name: str, kind: str, name: str) -> str:
    key = _OWN_KEYS.get((kind, name))
    if key is None:
        return f"{entry_name}: {kind}.{name} is no option; the training supplies it"
    return f"{entry_name}: {kind}.{name} is no option; it is the recipe's own {key}"
