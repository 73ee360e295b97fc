"""The batches of a job: which samples, prepared how, for which rank."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from ..augment import Augment
from ..data import Augmentation, Batches, DataFacts, length, read_item
from ..parallel import Strategy
from ..recipe import AUGMENT, Recipe
from ._components import make_prepare

_EVALUATED = 4
"""Batches of training that make one of evaluation: without gradients they take no more memory."""
_LOOKED_AT = 8
"""Samples whose values are looked at: colours can't be changed of normalised floats."""

Transform = Callable[[torch.Tensor], torch.Tensor]


class Feeding:
    """Makes the batches of a training's splits.

    Args:
        recipe: sizes, seed, workers and augmentation.
        facts: of the dataset.
        strategy: of the ranks, among which each batch is shared.
        model: what is fed.
        transform: given as an object, changes each training sample; None: the recipe may name one.
    """

    def __init__(
        self,
        recipe: Recipe,
        facts: DataFacts,
        strategy: Strategy,
        model: nn.Module,
        transform: Transform | None = None,
    ) -> None:
        options = dict(recipe.options.get(AUGMENT, {}))
        if transform is not None:
            options.pop("transform", None)  # the recipe has its name
        augment = Augment(**options)
        self._check = partial(augment.check, facts.input.shape, facts.task)
        self._augmentation = Augmentation(
            augment if augment.is_on else None,
            transform or augment.sample_transform(),
            facts.num_classes,
        )
        self._recipe = recipe
        self._strategy = strategy
        self._prepare = make_prepare(facts.input, facts.task, model, strategy.device)

    def training(self, split: Any) -> Batches:
        """Return shuffled and augmented batches.

        Raises:
            InvalidOption: an augmentation that these samples or this task can't have.
        """
        few = range(min(_LOOKED_AT, length(split)))
        self._check(torch.stack([read_item(split, index)[0] for index in few]))
        return self._batches(
            split,
            self._recipe.batch_size,
            seed=self._recipe.seed,
            augmentation=self._augmentation,
        )

    def testing(self, split: Any | None) -> Batches | None:
        """Return batches in the dataset's own order; None where there is no test split."""
        if split is None:
            return None
        return self._batches(split, _EVALUATED * self._recipe.batch_size, seed=None)

    def _batches(self, split: Any, size: int, **how: Any) -> Batches:
        return Batches(
            split,
            size,
            self._prepare,
            workers=self._recipe.workers,
            rank=self._strategy.rank,
            num_ranks=self._strategy.num_ranks,
            **how,
        )
