"""What of a card is its users' own: whatever zoo does not know to have written itself.

A card notes, in a comment, a digest of each block and each tag that zoo has written. A block above
the line that has another digest was written by users, or changed by them, and is kept as well.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import yaml

from ._markdown import blocks, fenced

MARK = "<!-- What stands below this line is yours: zoo push keeps it. -->"
FENCE = "---"
"""Above and below the head."""
OWN_KEYS = ("library_name", "model-index", "model_name", "pipeline_tag", "tags")
"""Keys of the head that each push writes anew; of the tags, those of users stay."""
_NOTE = re.compile(r"<!-- By these zoo push knows what it wrote itself:((?: [0-9a-f]{8})*) -->")
_LONGEST_HEAD = 200_000
"""Characters of a head that is read as YAML."""
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Kept(NamedTuple):
    """What a push keeps of the card that is there."""

    head: str = ""
    """Lines of YAML, with the keys and comments that users wrote."""
    tags: tuple[str, ...] = ()
    prose: str = ""


def note_of(texts: Iterable[str]) -> str:
    """Return the comment that tells by which zoo knows its own blocks and tags again."""
    digests = "".join(f" {_digest(text)}" for text in texts)
    return f"<!-- By these zoo push knows what it wrote itself:{digests} -->"


def kept_of(data: bytes) -> Kept:
    """Return what users have written into a card; all of it, where zoo did not write it.

    A head that can't be read as YAML is kept, too: as the first block of the prose.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # which has a character for every byte
    head, body = _parted(text.replace("\r\n", "\n").replace("\r", "\n"))
    known, prose = _prose(body)
    try:
        lines, tags = _keys(head)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return Kept(prose=f"{fenced(head, 'yaml')}\n\n{prose}".rstrip())
    return Kept(lines, tuple(tag for tag in tags if _digest(tag) not in known), prose)


def _digest(text: str) -> str:
    return sha256(text.strip().encode()).hexdigest()[:8]


def _parted(text: str) -> tuple[str, str]:
    """Return the head and the body of a card."""
    found = re.match(rf"\s*{FENCE}[ \t]*\n(?:(.*?)\n)?{FENCE}[ \t]*(?:\n|$)", text, re.DOTALL)
    return (found[1] or "", text[found.end() :]) if found else ("", text)


def _prose(body: str) -> tuple[set[str], str]:
    """Return the digests of what zoo wrote, and all that is something else."""
    lines = body.split("\n")
    end = next((n for n, line in enumerate(lines) if line.strip() == MARK), len(lines))
    above, below = "\n".join(lines[:end]), "\n".join(lines[end + 1 :])
    known = {digest for found in _NOTE.finditer(above) for digest in found[1].split()}
    if known:
        others = (block for block in blocks(above) if not _is_zoos(block, known))
        above = "".join(others)
    return known, "\n\n".join(filter(None, (above.strip("\n"), below.strip("\n")))).rstrip()


def _is_zoos(block: str, known: set[str]) -> bool:
    return _digest(block) in known or _NOTE.fullmatch(block.strip()) is not None


def _keys(head: str) -> tuple[str, list[str]]:
    """Return the lines of users' keys, and the tags.

    Raises:
        ValueError: it is no mapping as a card has one.
        YAMLError: it can't be read.
    """
    if len(head) > _LONGEST_HEAD:
        raise ValueError("too long")
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(head, Loader=_Loader)):
        raise ValueError("it refers to itself, by which few lines can stand for gigabytes")
    root = yaml.compose(head, Loader=_Loader)
    if root is None:
        return _comments(head), []
    values = yaml.load(head, Loader=_Loader)  # noqa: S506 - it is the safe one
    if not isinstance(root, yaml.MappingNode) or len(values) != len(root.value):
        raise ValueError("it is no mapping, or has a key twice")
    if not all(isinstance(key, str) for key in values):
        raise ValueError("a key of it is no text")
    tags = next((value for key, value in root.value if key.value == "tags"), None)
    found = tags.value if isinstance(tags, yaml.SequenceNode) else []
    lines = _lines(head, root) if _begin_their_lines(root) else ""
    own = {key: value for key, value in values.items() if key not in OWN_KEYS}
    if (yaml.load(lines, Loader=_Loader) or {}) != own:  # noqa: S506 - likewise
        lines = yaml.safe_dump(own, sort_keys=False, allow_unicode=True).rstrip()
    return lines, [tag.value for tag in found if isinstance(tag, yaml.ScalarNode)]


def _begin_their_lines(root: yaml.MappingNode) -> bool:
    """Say whether the keys can stand among others: they are not indented, nor within braces."""
    return all(key.start_mark.column == 0 for key, _ in root.value)


def _lines(head: str, root: yaml.MappingNode) -> str:
    """Return the lines of users' keys as they were typed, and all comments."""
    begins = {key.start_mark.line: key.value for key, _ in root.value}
    kept, own = [], False
    for number, line in enumerate(head.split("\n")):
        own = begins[number] not in OWN_KEYS if number in begins else own
        if own or line.startswith("#"):
            kept.append(line)
    return "\n".join(kept).strip("\n")


def _comments(head: str) -> str:
    return "\n".join(line for line in head.split("\n") if line.startswith("#"))
