"""Recipes: from what was asked, over what authors and defaults say, to what will be done."""

from ._complete import complete
from ._plan import FILLED, Plan, make_plans
from ._recipe import FIELDS, OBJECT, PARTS, Recipe, check_key, parse_setting, read_settings

__all__ = [
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
    "read_settings",
]
