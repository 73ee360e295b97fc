"""A badge for a plugin's README: what was checked, and what came of it, as a small SVG."""

from collections.abc import Sequence
from html import escape

from ._check import OK, SKIPPED, Outcome

_HEIGHT = 20
_LETTER = 6.6
"""Pixels, the mean width of a letter of 11 pixels' height in the fonts below."""
_PADDING = 12
_GREY, _GREEN, _RED = "#4a4a4a", "#2b7a3d", "#b3261e"
"""White letters on them have a contrast above 4.5."""


def badge(outcomes: Sequence[Outcome], version: str) -> str:
    """Return the SVG of a badge.

    Args:
        outcomes: of all checks of a plugin.
        version: of its distribution.
    """
    failed = sum(not outcome.holds for outcome in outcomes)
    passed = sum(outcome.verdict == OK for outcome in outcomes)
    skipped = sum(outcome.verdict == SKIPPED for outcome in outcomes)
    text = f"{version}: {passed} passed" if not failed else f"{version}: {failed} failed"
    if skipped:
        text += f", {skipped} skipped"
    return _drawn("zoo plugin", text, _RED if failed else _GREEN)


def _drawn(left: str, right: str, colour: str) -> str:
    first, second = (round(len(text) * _LETTER) + _PADDING for text in (left, right))
    width = first + second
    left, right = escape(left), escape(right)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" role="img" \
aria-label="{left}: {right}">
  <title>{left}: {right}</title>
  <clipPath id="corners"><rect width="{width}" height="{_HEIGHT}" rx="3"/></clipPath>
  <g clip-path="url(#corners)">
    <rect width="{first}" height="{_HEIGHT}" fill="{_GREY}"/>
    <rect x="{first}" width="{second}" height="{_HEIGHT}" fill="{colour}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{first / 2:g}" y="14">{left}</text>
    <text x="{first + second / 2:g}" y="14">{right}</text>
  </g>
</svg>
"""
