"""Runs: each training has a folder, readable without torch and never seen half-written."""

from typing import TYPE_CHECKING

from .._door import door

if TYPE_CHECKING:
    from ._aliases import Alias, Change, aliases_of, any_alias, find_alias, list_aliases
    from ._diff import Difference, diff_runs
    from ._hidden import hidden_name, sweep
    from ._lineage import lineage
    from ._listing import find_run, list_runs
    from ._machine import machine_facts
    from ._outputs import require_place
    from ._remove import remove_runs
    from ._revision import code_revision
    from ._run import RECIPE, RECORD, Run, open_run
    from ._select import STATES, Condition, Query, parse_condition, select, sort
    from ._source import FoundWeights, find_weights, weights_file, why_no_weights
    from ._stretches import require_resumable
    from ._summary import Summary, summaries, summary_of
    from ._tagging import tag, untag
    from ._verify import verify_files
    from ._writer import RunWriter, require_free

# Where each public name lives. Resolved on first use: a list of runs needs few of them.
_HOMES = {
    "RECIPE": "_run",
    "RECORD": "_run",
    "STATES": "_select",
    "Alias": "_aliases",
    "Change": "_aliases",
    "Condition": "_select",
    "Difference": "_diff",
    "FoundWeights": "_source",
    "Query": "_select",
    "Run": "_run",
    "RunWriter": "_writer",
    "Summary": "_summary",
    "aliases_of": "_aliases",
    "any_alias": "_aliases",
    "code_revision": "_revision",
    "diff_runs": "_diff",
    "find_alias": "_aliases",
    "find_run": "_listing",
    "find_weights": "_source",
    "hidden_name": "_hidden",
    "lineage": "_lineage",
    "list_aliases": "_aliases",
    "list_runs": "_listing",
    "machine_facts": "_machine",
    "open_run": "_run",
    "parse_condition": "_select",
    "remove_runs": "_remove",
    "require_free": "_writer",
    "require_place": "_outputs",
    "require_resumable": "_stretches",
    "select": "_select",
    "sort": "_select",
    "summaries": "_summary",
    "summary_of": "_summary",
    "sweep": "_hidden",
    "tag": "_tagging",
    "untag": "_tagging",
    "verify_files": "_verify",
    "weights_file": "_source",
    "why_no_weights": "_source",
}

__all__ = [
    "RECIPE",
    "RECORD",
    "STATES",
    "Alias",
    "Change",
    "Condition",
    "Difference",
    "FoundWeights",
    "Query",
    "Run",
    "RunWriter",
    "Summary",
    "aliases_of",
    "any_alias",
    "code_revision",
    "diff_runs",
    "find_alias",
    "find_run",
    "find_weights",
    "hidden_name",
    "lineage",
    "list_aliases",
    "list_runs",
    "machine_facts",
    "open_run",
    "parse_condition",
    "remove_runs",
    "require_free",
    "require_place",
    "require_resumable",
    "select",
    "sort",
    "summaries",
    "summary_of",
    "sweep",
    "tag",
    "untag",
    "verify_files",
    "weights_file",
    "why_no_weights",
]


__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
