"""A model's weights go to disk and back, and into a model for other classes."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo_registry import options_of

from ..weights import canonical_state_dict, load_weights, save_weights
from ._check import Failed, Skipped, Subject
from ._material import Material, material
from ._tensors import same

_BATCH = 4
_MORE = 3
"""Classes that another head has more."""


def safetensors(subject: Subject) -> str:
    """What a fresh model loads from `.safetensors` computes what the stored one did."""
    return _round_trip(subject, ".safetensors")


def pth(subject: Subject) -> str:
    """What a fresh model loads from `.pth` computes what the stored one did."""
    return _round_trip(subject, ".pth")


def other_head(subject: Subject) -> str:
    """A model for other classes takes all weights but the head's."""
    found = material(subject)
    if "num_classes" not in {option.name for option in options_of(subject.spec_entry.spec).options}:
        raise Skipped("it has no option num_classes")
    classes = found.facts.num_classes
    model = found.build()
    if len(canonical_state_dict(model)) <= 2:
        raise Skipped("its head is all there is of it")
    wider = found.build(num_classes=classes + _MORE).eval()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_weights(model, file)
        report = load_weights(wider, file, reset_head=True)
    if not report.reset:
        raise Failed(f"num_classes={classes + _MORE} changes no layer")
    if not report.loaded:
        raise Failed(f"num_classes={classes + _MORE} changes all layers, not the head alone")
    outputs = _outputs(found, wider)
    if outputs.shape[-1] != classes + _MORE:
        raise Failed(f"num_classes={classes + _MORE} gives outputs {tuple(outputs.shape)}")
    return f"{len(report.loaded)} tensors kept, {', '.join(report.reset)} new"


def _round_trip(subject: Subject, suffix: str) -> str:
    found = material(subject)
    stored, fresh = _trained_a_little(found.build()), found.build()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"weights{suffix}"
        saved = save_weights(stored, file)
        load_weights(fresh, file)
    before, after = canonical_state_dict(stored), canonical_state_dict(fresh)
    wrong = [name for name in before if not same(before[name], after[name])]
    if wrong:
        raise Failed(f"{', '.join(wrong[:3])} came back with other values")
    if not same(_outputs(found, stored), _outputs(found, fresh)):
        raise Failed(
            "with the same weights it computes something else: it keeps something that its "
            "state_dict lacks (register_buffer keeps it there)"
        )
    return f"{len(before)} tensors, {saved.size / 1e6:.3g} MB"


def _trained_a_little(model: nn.Module) -> nn.Module:
    """Move weights and running statistics away from where they are initialised.

    Buffers that are not stored stay: they are constants, which every model computes for itself.
    """
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                size = float(tensor.abs().mean()) or 0.1
                tensor.add_(torch.rand(tensor.shape, generator=draw).to(tensor), alpha=size / 10)
    return model


def _outputs(found: Material, model: nn.Module) -> Tensor:
    model.eval()
    samples, _labels = found.batch(_BATCH, model)
    with torch.no_grad():
        outputs: Tensor = model(samples)
    return outputs
