"""What the ranks of a training tell each other beside its sums."""

import torch

from zoo_registry import InvalidData

from ..data import DataFacts
from ..parallel import Strategy
from ..recipe import Recipe


def gathered(strategy: Strategy, own: bytes) -> list[bytes]:
    """Return what every rank gave, on each of them; collective."""
    if strategy.num_ranks == 1:
        return [own]
    lengths = stacked(strategy, torch.tensor(len(own))).tolist()
    padded = torch.tensor(list(own.ljust(max(lengths), b"\0")), dtype=torch.uint8)
    rows = stacked(strategy, padded)
    return [row[:length].numpy().tobytes() for row, length in zip(rows, lengths, strict=True)]


def stacked(strategy: Strategy, own: torch.Tensor) -> torch.Tensor:
    """Return what every rank gave, tensors of one shape (…), as one: (ranks, …); collective."""
    every = own.new_zeros(strategy.num_ranks, *own.shape)
    every[strategy.rank] = own
    return strategy.sum(every)


def told_by_first(strategy: Strategy, text: str) -> str:
    """Return rank 0's `text` on every rank; collective."""
    return gathered(strategy, text.encode("utf-8", "surrogateescape"))[0].decode(
        "utf-8", "surrogateescape"
    )


def check_alike(strategy: Strategy, recipe: Recipe, facts: DataFacts) -> None:
    """Refuse ranks that would train on different things; collective.

    Raises:
        InvalidData: they have other data, or another recipe; the text says which.
    """
    own = f"{recipe.dataset} ({facts.num_train:,} samples, fingerprint {facts.fingerprint[:12]})"
    told = [text.decode() for text in gathered(strategy, own.encode())]
    for rank, other in enumerate(told):
        if other != told[0]:
            raise InvalidData(
                f"the ranks have different data: rank 0 {told[0]}, rank {rank} {other}; give all "
                "of them the same with --dataset and --data-dir"
            )
