"""What was measured, as text for a terminal and as Markdown for a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
"""What `compare` returns."""


def as_table(report: Report) -> str:
    """Return medians, spreads and ratios as aligned lines."""
    figures = [("side", "figure", "median", "lowest", "highest"), *_figures(report)]
    ratios = [("comparison", "goal", "measured", ""), *_ratios([report])]
    left_out = [f"without {side}: {reason}" for side, reason in report["left_out"].items()]
    parts = [[*_heading(report)], left_out, [*_aligned(figures)], [*_aligned(ratios)]]
    return "\n\n".join("\n".join(part) for part in parts if part)


def as_markdown(reports: Sequence[Report]) -> str:
    """Return all that was measured as the section of a page: goals first, then medians."""
    figures = [(report["benchmark"], *row) for report in reports for row in _figures(report)]
    together = {name: number for report in reports for name, number in _versions(report)}
    parts = [
        [*_machine(reports[0])],
        [", ".join(f"{name} {number}" for name, number in together.items()) + "."],
        [*_piped(("comparison", "goal", "measured", ""), _ratios(reports))],
        [*_piped(("command", "side", "figure", "median", "lowest", "highest"), figures)],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _heading(report: Report) -> Iterator[str]:
    yield f"{report['benchmark']}, {_counted(report['rounds'], 'round')}"
    yield from _machine(report)
    yield ", ".join(f"{name} {number}" for name, number in _versions(report))


def _machine(report: Report) -> Iterator[str]:
    facts = report["machine"]
    gpu = f", {facts['gpu']}" if facts["gpu"] else ""
    yield (
        f"{facts['processor']} ({facts['instructions']}), {_counted(facts['cores'], 'core')}, "
        f"{_counted(facts['threads'], 'thread')}{gpu}; {facts['platform']}"
    )


def _versions(report: Report) -> Iterator[tuple[str, str]]:
    for name, number in report["versions"].items():
        if number is not None:
            yield name, number


def _figures(report: Report) -> Iterator[tuple[str, ...]]:
    for side, found in report["sides"].items():
        for figure, median in found["median"].items():
            values = [row[figure] for row in found["rounds"]]
            shown = (_number(value) for value in (median, min(values), max(values)))
            yield side, figure, *shown


def _ratios(reports: Iterable[Report]) -> Iterator[tuple[str, ...]]:
    for report in reports:
        for row in report["comparisons"]:
            goal = f"≤ {row['at_most']:g}" if "at_most" in row else f"≥ {row['at_least']:g}"
            if row["value"] is None:
                yield row["what"], goal, "not measured", ""
                continue
            hardest = f", {row['against']}" if len(row["theirs"]) > 1 else ""
            reached = "reached" if row["reached"] else "missed"
            yield f"{row['what']}{hardest}", goal, f"{row['value']:.3g}", reached


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _number(value: float) -> str:
    """Write a figure with four digits or, where there are more before the point, all of them."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _piped(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
