"""A job: everything a training needs, built and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from zoo_registry import Entry

from ..data import Batches, DataFacts
from ..parallel import Strategy
from ..recipe import Recipe

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(kw_only=True)
class Job:
    """A training about to start."""

    recipe: Recipe
    entries: dict[str, Entry]
    """The registry's entry behind each part; none for a part given as a Python object."""
    facts: DataFacts
    strategy: Strategy
    model: nn.Module
    """The bare module: what is stored."""
    net: nn.Module
    """The same module as the strategy runs it: what is called."""
    criterion: Criterion
    optimizer: torch.optim.Optimizer
    scheduler: Any
    train: Batches
    test: Batches | None

    def close(self) -> None:
        """End the worker processes."""
        for batches in (self.train, self.test):
            if batches is not None:
                batches.close()

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return len(self.train) * self.recipe.epochs

    @property
    def num_parameters(self) -> int:
        """Parameters of the model, trained or not."""
        return sum(parameter.numel() for parameter in self.model.parameters())
