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
    lengths = torch.zeros(strategy.num_ranks, dtype=torch.int64)
    lengths[strategy.rank] = len(own)
    lengths = strategy.sum(lengths)
    every = torch.zeros(strategy.num_ranks, int(lengths.max()), dtype=torch.uint8)
    if own:
        every[strategy.rank, : len(own)] = torch.frombuffer(bytearray(own), dtype=torch.uint8)
    rows = strategy.sum(every)
    return [
        row[:length].numpy().tobytes() for row, length in zip(rows, lengths.tolist(), strict=True)
    ]


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
