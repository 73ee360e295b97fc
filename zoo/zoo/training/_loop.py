"""The loop that trains every model, and the one that measures it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from ..data import Batch, Batches
from ..metrics import Meter
from ..parallel import Strategy
from ._gradients import Gradients
from ._guard import FiniteGuard
from ._memory import is_out_of_memory
from ._precision import Precision
from ._ranked import stacked
from ._update import Update


def train_epoch(
    batches: Iterable[Batch],
    gradients: Gradients,
    guard: FiniteGuard,
    update: Update,
    scheduler: Any,
    meter: Meter,
) -> None:
    """Take one optimizer step for each of `batches`."""
    clear = update.clear
    for batch in batches:
        clear()
        outputs, loss = gradients(batch)
        guard.check()
        update()
        scheduler.step()
        meter.update(outputs, batch.labels, loss)
    guard.drain()


@torch.inference_mode()
def evaluate(
    net: nn.Module,
    batches: Batches,
    criterion: nn.Module,
    meter: Meter,
    strategy: Strategy,
    precision: Precision,
    must_stop: Callable[[], bool] = bool,
) -> dict[str, float]:
    """Measure `net` on every sample of `batches`, once each, whatever rank it is on.

    `must_stop` is asked after each batch; the others are left out once it says so.
    """
    net.eval()
    for samples, labels, _size in batches.epoch():
        is_own = len(samples) > 0
        # Where the model itself is spread over the ranks, all of them must call it.
        fed = samples if is_own else batches.head(1).samples
        with precision.autocast():
            # One that called it more often than the others would wait for them for ever.
            outputs = net(fed) if strategy.evaluates_together else _in_halves(net, fed)
            if is_own:
                meter.update(outputs, labels, criterion(outputs, labels))
        if must_stop():
            break
    return whole(meter, strategy)


def whole(meter: Meter, strategy: Strategy) -> dict[str, float]:
    """Return the metrics over what the meters of all ranks were given, and empty them."""
    states = stacked(strategy, meter.state())
    meter.reset()
    for state in states:  # merged one by one: not all that a meter holds are sums
        meter.merge(state)
    metrics = meter.compute()
    meter.reset()
    return metrics


def _in_halves(net: nn.Module, samples: torch.Tensor) -> torch.Tensor:
    """Call `net`, on halves of the samples (B, …) where memory does not suffice for all."""
    try:
        outputs: torch.Tensor = net(samples)
    except Exception as error:
        if not is_out_of_memory(error) or len(samples) < 2:
            raise
    else:
        return outputs
    if samples.is_cuda:
        torch.cuda.empty_cache()
    # Cloned, for a CUDA graph writes the second half's outputs where those of the first are.
    return torch.cat([_in_halves(net, half).clone() for half in samples.chunk(2)])


def set_training(model: nn.Module, frozen: Sequence[nn.Module]) -> None:
    """Put `model` into training mode, all but what is frozen whole."""
    model.train()
    for module in frozen:
        module.eval()
