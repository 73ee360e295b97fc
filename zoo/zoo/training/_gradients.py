"""The gradients of a batch: in one piece, or in parts that add up to the same."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import torch
from torch import nn

from ..data import Batch
from ..parallel import Strategy
from ._guard import FiniteGuard
from ._memory import is_out_of_memory
from ._precision import Precision
from ._weight import summed

# B = batch, K = classes, labels or targets

Pair = tuple[torch.Tensor, torch.Tensor]


class Gradients:
    """Computes the gradients of the mean loss over a batch, that of all ranks.

    A batch is computed in `parts`, one after another, each with its share of the mean: whatever
    the parts and the ranks, and however ragged, the gradients are those of the whole batch. Where
    memory does not suffice, the batch is done again in twice as many parts, from then on.

    Args:
        net: what is called.
        criterion: the loss.
        strategy: of the ranks.
        precision: of the passes.
        guard: told of each loss, before the last backward pass.
        parts: into how many a batch is split.
        stand_in: one sample and label, for a rank without any in a batch.
        split_further: told the new number of parts, and the size of the batch that did not fit.
    """

    def __init__(
        self,
        net: nn.Module,
        criterion: nn.Module,
        strategy: Strategy,
        precision: Precision,
        guard: FiniteGuard,
        *,
        parts: int,
        stand_in: Batch,
        split_further: Callable[[int, int], None],
    ) -> None:
        self.parts = parts
        self._net = net
        self._criterion = criterion
        self._strategy = strategy
        self._autocast = precision.autocast
        self._backward = precision.backward
        self._guard = guard
        self._summed = summed(criterion)
        self._of_part = criterion if self._summed is None else self._summed.loss
        self._stand_in = stand_in
        self._split_further = split_further

    def __call__(self, batch: Batch) -> Pair:
        """Compute them; return the outputs (B, K), detached, and the mean loss ()."""
        while True:
            try:
                if self.parts == self._strategy.num_ranks == 1:
                    return self._whole(batch)
                return self._in_parts(batch)
            except Exception as error:
                if not (is_out_of_memory(error) and self._can_split(batch)):
                    raise
            # Here, for the error holds on to the tensors of the pass that failed.
            self._split(batch)

    def state_dict(self) -> dict[str, int]:
        """Return into how many parts a batch is split by now."""
        return {"parts": self.parts}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from there."""
        self.parts = state_dict["parts"]

    def _whole(self, batch: Batch) -> Pair:
        outputs, loss = self._forward(batch.samples, batch.labels, self._criterion)
        known = loss.detach()
        self._guard.watch(known)
        self._backward(loss)
        return outputs.detach(), known

    def _forward(self, samples: torch.Tensor, labels: torch.Tensor, criterion: nn.Module) -> Pair:
        with self._autocast():
            outputs = self._net(samples)
            return outputs, criterion(outputs, labels)

    def _in_parts(self, batch: Batch) -> Pair:
        every, total = [], torch.zeros((), device=batch.samples.device)
        whole = self._weigh(batch.labels)
        parts = list(self._parts(batch))
        for number, (samples, labels) in enumerate(parts, 1):
            is_last = number == len(parts)
            with ExitStack() as how:
                if not is_last:
                    how.enter_context(self._strategy.local(self._net))
                if not len(samples):
                    how.enter_context(self._strategy.idle())
                outputs, loss = self._forward(*self._fed(samples, labels), self._of_part)
                loss = loss * self._factor(batch, samples) / whole
                total = total + loss.detach()
                if is_last:
                    self._guard.watch(total / (batch.share or 1.0))
                self._backward(loss * self._strategy.num_ranks)
            outputs = outputs.detach()[: len(samples)]
            # A CUDA graph writes the next part's outputs where these are.
            every.append(outputs.clone() if outputs.is_cuda else outputs)
        return torch.cat(every), total / (batch.share or 1.0)

    def _parts(self, batch: Batch) -> Iterator[Pair]:
        """Return the samples and labels of each part.

        As many on every rank: what the ranks compute together, such as the statistics of a batch
        norm, they all must compute as often.
        """
        number = max(1, min(self.parts, batch.size // self._strategy.num_ranks))
        chunks = batch.samples.tensor_split(number), batch.labels.tensor_split(number)
        return zip(*chunks, strict=True)

    def _factor(self, batch: Batch, samples: torch.Tensor) -> float:
        """Return how often a part's loss counts: as a mean by its samples, as a sum once."""
        if self._summed is None:
            return batch.share * len(samples) / max(1, len(batch.samples))
        return float(len(samples) > 0)  # a stand-in's doesn't count

    def _fed(self, samples: torch.Tensor, labels: torch.Tensor) -> Pair:
        """Return the samples; where there are none, one that counts for nothing."""
        if len(samples):
            return samples, labels
        return self._stand_in.samples, self._stand_in.labels

    def _weigh(self, labels: torch.Tensor) -> torch.Tensor | float:
        """Return what the sum of all parts' losses, over all ranks, is divided by."""
        return 1.0 if self._summed is None else self._strategy.sum(self._summed.divisor(labels))

    def _can_split(self, batch: Batch) -> bool:
        # Ranks can't do a pass again alone: the others wait for the gradients of the first.
        return self._strategy.num_ranks == 1 and self.parts < len(batch.samples)

    def _split(self, batch: Batch) -> None:
        for parameter in self._net.parameters():
            parameter.grad = None
        if batch.samples.is_cuda:
            torch.cuda.empty_cache()
        self.parts = min(2 * self.parts, len(batch.samples))
        self._split_further(self.parts, len(batch.samples))
