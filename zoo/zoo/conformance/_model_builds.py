"""A model is built: as it is, with other options, and twice from one seed."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import Option, UsageError, ZooError, options_of, resolve

from .._options import check_options
from ..data import seed_others
from ..recipe import FILLED
from ..weights import canonical_state_dict
from ._check import Failed, Skipped, Subject, cause
from ._material import Material, material
from ._tensors import digest, same

_SEED = 3


def at_defaults(subject: Subject) -> str:
    """It is built without an option, but for sizes that a dataset fills."""
    entry = subject.spec_entry
    found = material(subject)
    required = [option.name for option in options_of(entry.spec).options if option.required]
    if missing := [name for name in required if name not in FILLED]:
        raise Skipped(f"it needs {', '.join(missing)}")
    bare = _called(found, {name: found.options[name] for name in required})
    own = found.build()
    count = sum(parameter.numel() for parameter in own.parameters())
    if not isinstance(bare, nn.Module):
        raise Failed(f"its builder returned a {type(bare).__name__}, not a torch.nn.Module")
    return f"{count:,} parameters on {found.dataset or 'made-up samples'}"


def at_varied_options(subject: Subject) -> str:
    """Each option takes other values: it builds and computes, or is refused in so many words."""
    found = material(subject)
    tried, refused = [], []
    for option in options_of(subject.spec_entry.spec).options:
        if option.name in FILLED:
            continue
        for value in _others(option):
            text = f"{option.name}={value!r}"
            try:
                _try(found, option.name, value)
                tried.append(text)
            except (ZooError, ValueError) as error:
                if isinstance(error, Failed) or (option.choices and _breaks_promise(found, error)):
                    raise Failed(f"{text}: {cause(error)}") from error
                refused.append(text)
            except Exception as error:
                raise Failed(f"{text}: {cause(error)}") from error
    if not tried and not refused:
        raise Skipped("it has no options but those that the dataset fills")
    return "; ".join(filter(None, [", ".join(tried), _refusals(refused)]))


def same_seed(subject: Subject) -> str:
    """Two models from one seed of torch, Python and numpy have the same bytes."""
    found = material(subject)
    first, second = (_state(_seeded(found)) for _ in range(2))
    if first.keys() != second.keys():
        raise Failed("one time it has other weights than the next")
    other = [name for name in first if not same(first[name], second[name])]
    if other:
        raise Failed(
            f"{', '.join(other[:3])}: other values each time; draw them from torch's generator"
        )
    return f"sha256 {digest(first)[:12]}"


def _called(found: Material, options: dict[str, Any]) -> Any:
    spec = found.entry.spec
    return resolve(spec.address)(**spec.arguments, **options)


def _try(found: Material, name: str, value: object) -> None:
    """Build the model with one option set otherwise, and let it compute.

    Raises:
        Failed: it computes something else than (B, K).
        Exception: whatever the plugin raises.
    """
    entry = found.entry
    signature = options_of(entry.spec)
    checked = check_options(
        entry.name, "model", signature, {**found.options, name: value}, filled=FILLED
    )
    model = _called(found, checked).eval()
    samples, _labels = found.batch(2, model)
    with torch.no_grad():
        outputs = model(samples)
    if not isinstance(outputs, Tensor) or len(outputs) != len(samples):
        raise Failed(f"its outputs for 2 samples are {_shape(outputs)}")


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


def _breaks_promise(found: Material, error: Exception) -> bool:
    """Tell whether a value is said to be wrong which a `Literal` promises to be right.

    That weights are not on this machine is no such thing. And of a builder that serves many specs,
    with arguments, the annotation has the values of all of them: one may be refused in plain words.
    """
    if isinstance(error, UsageError) and found.entry.spec.arguments:
        return False
    return isinstance(error, UsageError | ValueError)


def _refusals(refused: list[str]) -> str:
    return f"refused: {', '.join(refused)}" if refused else ""


def _seeded(found: Material) -> nn.Module:
    torch.manual_seed(_SEED)
    seed_others(_SEED)
    return found.build()


def _state(model: nn.Module) -> dict[str, Tensor]:
    return dict(canonical_state_dict(model))


def _shape(outputs: object) -> str:
    if isinstance(outputs, Tensor):
        return f"of shape {tuple(outputs.shape)}"
    return f"a {type(outputs).__name__}"
