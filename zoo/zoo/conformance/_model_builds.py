"""A model is built: as it is, with other options, and twice from one seed."""

from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import options_of, resolve

from ..data import seed_others
from ..recipe import FILLED
from ..weights import canonical_state_dict
from ._check import Failed, Skipped, Subject
from ._material import Material, material
from ._tensors import digest, same
from ._varied import vary

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
    return vary(subject, lambda options: _try(found, options), fixed=found.options, filled=FILLED)


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


def _try(found: Material, options: dict[str, Any]) -> None:
    """Build the model with these options, and let it compute.

    Raises:
        Failed: it computes something else than (B, K).
        Exception: whatever the plugin raises.
    """
    model = _called(found, options).eval()
    samples, _labels = found.batch(2, model)
    with torch.no_grad():
        outputs = model(samples)
    if not isinstance(outputs, Tensor) or len(outputs) != len(samples):
        raise Failed(f"its outputs for 2 samples are {_shape(outputs)}")


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
