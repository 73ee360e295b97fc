"""A model computes: on its own data, on batches of any size, and back."""

import torch
from torch import Tensor, nn

from ._check import Failed, Skipped, Subject
from ._material import Material, material

# B = batch, K = classes, labels or targets

_SIZES = (1, 2, 3, 7)
_BATCH = 8
_CLOSE = 1e-3
"""What a sample's outputs may differ by, relative to the largest, in batches of other sizes: sums
come in another order, 1e-5 and less; what depends on the other samples is 1e-2 and more off."""


def declared_data(subject: Subject) -> str:
    """It computes one finite row of outputs for each sample of the data it is meant for."""
    found = material(subject)
    if not found.dataset:
        raise Skipped(found.why_made_up)
    outputs = _outputs(found, found.build().eval(), _BATCH)
    return f"{found.dataset} {found.facts.input.shape} -> {tuple(outputs.shape)}"


def any_size(subject: Subject) -> str:
    """One sample and odd numbers of them come out as they do in a larger batch."""
    found = material(subject)
    model = found.build().eval()
    whole = _outputs(found, model, _BATCH)
    scale = float(whole.abs().max()) or 1.0
    for size in _SIZES:
        part = _outputs(found, model, size)
        gap = float((part - whole[:size]).abs().max()) / scale
        if gap > _CLOSE:
            raise Failed(
                f"in a batch of {size} a sample comes out {gap:.0e} apart from itself in a batch "
                f"of {_BATCH}: in eval mode it may not depend on the others"
            )
    return f"batches of {', '.join(map(str, _SIZES))} and {_BATCH}"


def gradients(subject: Subject) -> str:
    """The loss of a batch gives every parameter that is trained a gradient, and a finite one."""
    found = material(subject)
    model = found.build().train()
    samples, labels = found.batch(_BATCH, model)
    loss = found.criterion(subject.registry)(model(samples), labels)
    loss.backward()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not trained:
        raise Failed("it has no parameters to train")
    for what, wrong in (
        ("take no part in the outputs", [n for n, p in trained.items() if p.grad is None]),
        ("have gradients that are not finite", [n for n, p in trained.items() if not _finite(p)]),
    ):
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise Failed(f"{', '.join(wrong[:3])}{more} {what}")
    return f"{len(trained)} parameters, loss {float(loss):.3g}"


def _finite(parameter: nn.Parameter) -> bool:
    return parameter.grad is None or bool(torch.isfinite(parameter.grad).all())


def _outputs(found: Material, model: nn.Module, size: int) -> Tensor:
    """Return the outputs for so many samples, (B, K), or (B,) for one target.

    Raises:
        Failed: something else came out.
    """
    samples, _labels = found.batch(size, model)
    with torch.no_grad():
        outputs = model(samples)
    if not isinstance(outputs, Tensor):
        raise Failed(f"its outputs are a {type(outputs).__name__}, not one tensor (B, K)")
    classes, shape = found.facts.num_classes, tuple(outputs.shape)
    if shape != (size, classes) and not (found.facts.task == "regression" and shape == (size,)):
        raise Failed(f"its outputs for {size} samples have shape {shape}, not {(size, classes)}")
    if not bool(torch.isfinite(outputs).all()):
        raise Failed(f"its outputs for {size} samples hold NaN or infinite values")
    return outputs
