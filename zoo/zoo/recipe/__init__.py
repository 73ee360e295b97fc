"""Recipes: from what was asked, over what authors and defaults say, to what will be done."""

from typing import TYPE_CHECKING

from .._door import door

if TYPE_CHECKING:
    from ._complete import DEFAULT_LOSSES, complete, fill
    from ._plan import (
        AUGMENT_ADDRESS,
        DEFAULTS,
        FILLED,
        Plan,
        make_plans,
        must_launch,
        plan_dataset,
    )
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

# Where each public name lives. Resolved on first use: what shells complete needs few of them.
_HOMES = {
    "AUGMENT": "_recipe",
    "AUGMENT_ADDRESS": "_plan",
    "DEFAULTS": "_plan",
    "DEFAULT_LOSSES": "_complete",
    "FIELDS": "_recipe",
    "FILLED": "_plan",
    "OBJECT": "_recipe",
    "PARTS": "_recipe",
    "Plan": "_plan",
    "Recipe": "_recipe",
    "check_key": "_recipe",
    "complete": "_complete",
    "fill": "_complete",
    "find_start": "_start",
    "flat_settings": "_recipe",
    "make_plans": "_plan",
    "must_launch": "_plan",
    "parent_of": "_start",
    "parse_setting": "_recipe",
    "plan_dataset": "_plan",
    "read_recipe": "_recipe",
}

__all__ = [
    "AUGMENT",
    "AUGMENT_ADDRESS",
    "DEFAULTS",
    "DEFAULT_LOSSES",
    "FIELDS",
    "FILLED",
    "OBJECT",
    "PARTS",
    "Plan",
    "Recipe",
    "check_key",
    "complete",
    "fill",
    "find_start",
    "flat_settings",
    "make_plans",
    "must_launch",
    "parent_of",
    "parse_setting",
    "plan_dataset",
    "read_recipe",
]

__getattr__ = door(__name__, _HOMES)
