"""Recipes: from what was asked, over what authors and defaults say, to what will be done."""

from ._complete import DEFAULT_LOSSES, complete
from ._plan import FILLED, Plan, make_plans, plan_dataset
from ._recipe import FIELDS, OBJECT, PARTS, Recipe, check_key, parse_setting, read_recipe

__all__ = [
    "DEFAULT_LOSSES",
    "FIELDS",
    "FILLED",
    "OBJECT",
    "PARTS",
    "Plan",
    "Recipe",
    "check_key",
    "complete",
    "make_plans",
    "parse_setting",
    "plan_dataset",
    "read_recipe",
]
