"""Class weights from how often each class occurs."""

from dataclasses import replace
from typing import Any

from zoo_registry import InvalidOption

from ..data import DataFacts, class_counts
from ..recipe import Plan

BALANCED = "balanced"
"""The value of `loss.weight` that stands for weights from the training labels."""


def with_class_weights(plan: Plan, split: Any, facts: DataFacts) -> Plan:
    """Return the plan with numbers in place of `loss.weight=balanced`.

    Class k of K with n_k of n samples weighs n / (K n_k), so that all classes weigh alike together
    (scikit-learn's `balanced`, after King & Zeng 2001). A class without samples weighs 0.

    Raises:
        InvalidOption: the data is for another task.
    """
    if plan.settings.get("loss.weight") != BALANCED:
        return plan
    if facts.task != "classification":
        raise InvalidOption(
            f"loss.weight=balanced is for classification; the data is for {facts.task}"
        )
    counts = class_counts(split, facts.num_classes)
    share = sum(counts) / facts.num_classes
    weights = tuple(share / count if count else 0.0 for count in counts)
    return replace(plan, settings={**plan.settings, "loss.weight": weights})
