"""Recipes: from what was asked, over what authors and defaults say, to what will be done."""

from ._complete import DEFAULT_LOSSES, complete
from ._plan import FILLED, Plan, make_plans, must_launch, plan_dataset
from ._recipe import (
    AUGMENT,
    FIELDS,
    OBJECT,
    PARTS,
    Recipe,
    check_key,
    flat_settings,
    parse_setting,
    read_recipe,
)
from ._start import find_start, parent_of

__all__ = [
    "AUGMENT",
    "DEFAULT_LOSSES",
    "FIELDS",
    "FILLED",
    "OBJECT",
    "PARTS",
    "Plan",
    "Recipe",
    "check_key",
    "complete",
    "find_start",
    "flat_settings",
    "make_plans",
    "must_launch",
    "parent_of",
    "parse_setting",
    "plan_dataset",
    "read_recipe",
]
