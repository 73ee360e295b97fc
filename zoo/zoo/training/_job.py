"""A job: everything a training needs, built and checked."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import Entry

from ..data import Batches, DataFacts
from ..parallel import Strategy
from ..recipe import Recipe
from ._average import Average
from ._precision import Precision


@dataclass(kw_only=True)
class Job:
    """A training about to start."""

    recipe: Recipe
    entries: dict[str, Entry]
    """The registry's entry behind each part; none for a part given as a Python object."""
    facts: DataFacts
    strategy: Strategy
    precision: Precision
    model: nn.Module
    """The bare module: what is stored."""
    net: nn.Module
    """The same module as the strategy runs it: what is called."""
    criterion: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: Any
    average: Average | None
    """Of the weights, measured and stored in their place; None where none is asked for."""
    train: Batches
    test: Batches | None
    data_root: Path | None
    """The folder handed to datasets; None: the zoo's own."""
    resources: ExitStack = field(default_factory=ExitStack)
    """What must be undone once the training has ended."""

    def close(self) -> None:
        """End the worker processes, and leave the model as it was built."""
        self.resources.close()

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return len(self.train) * self.recipe.epochs

    @property
    def num_parameters(self) -> int:
        """Parameters of the model, trained or not."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters that are trained, as the optimizer holds them."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]
