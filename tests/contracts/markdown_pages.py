"""The documentation's pages, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
README = ROOT / "README.md"

_FENCED = re.compile(r"(?:^`([^`\n]+)`[^\n]*\n\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code."""

    language: str
    text: str
    title: str
    """What a line of its own before it names, a file mostly; empty where there is none."""


def page(name):
    """The text of a page below `docs/`."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(text, language=""):
    """The blocks of a page, those in one language where it is given."""
    found = [Block(kind, code, title) for title, kind, code in _FENCED.findall(text)]
    return [block for block in found if language in ("", block.language)]


def prose(text):
    """A page without its blocks."""
    return _FENCED.sub("", text)


def sections(text):
    """The text below each heading, down to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(section):
    """The cells of each row of the section's tables, headers left out."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = {index for index, cells in enumerate(table) if set("".join(cells)) <= set("-: ")}
    return [cells for i, cells in enumerate(table) if i not in rules and i + 1 not in rules]


def code(text):
    """What is between backticks, blocks left out."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def commands(text):
    """The command lines that start with `$ zoo`, each with what is printed below it."""
    for block in blocks(text, "console"):
        for line, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            if line.startswith("zoo "):
                yield line, output
