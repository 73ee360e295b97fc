"""The card: `README.md`, written from what the run recorded, and nothing else."""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from .._json import to_json
from .._provenance import is_installable
from ._config import TIMM, is_timms
from ._front import MARK, Kept, head_of
from ._manifest import CURVES, TORCH_WEIGHTS, WEIGHTS
from ._place import SIGN
from ._progress import in_words
from ._subject import Subject

_MOST_CLASSES = 50
_HOME = "zoo-registry"
"""The distribution that zoo itself comes in."""


def write_card(
    subject: Subject, repo: str, recipe: str, files: Mapping[str, int], kept: Kept
) -> str:
    """Return the text of the card.

    Args:
        subject: the run.
        repo: where it is pushed to.
        recipe: the text of `recipe.toml`.
        files: sizes of what is pushed along, in bytes.
        kept: what users have written into the card that is there.
    """
    head = head_of(subject, kept.head, TIMM if is_timms(subject) else "zoo")
    sections = [
        _title(subject),
        _metrics(subject),
        f"![Learning curves]({CURVES})" if CURVES in files else "",
        _use(subject, repo),
        _model(subject, files),
        _training(subject, recipe),
        f"{MARK}\n\n{kept.prose}".rstrip(),
    ]
    return head + "\n" + "\n\n".join(section for section in sections if section) + "\n"


def _title(subject: Subject) -> str:
    dataset = str(subject.card.get("dataset", ""))
    return f"# {subject.run.name}\n\n`{subject.model}` trained on `{dataset}` with zoo."


def _metrics(subject: Subject) -> str:
    data = subject.run.record.get("data", {})
    count = data.get(subject.split)
    rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in subject.metrics.items())
    if not rows:
        return ""
    epoch = subject.run.record.get("best_epoch")
    text = f"Measured on the {subject.split} split" + (f", {count:,} samples" if count else "")
    if epoch:
        monitor = str(subject.run.record.get("monitor", "")).partition(":")[0]
        text += f", after epoch {epoch}, the one with the best {monitor} on the same split"
    return f"## Metrics\n\n{text}.\n\n| metric | value |\n| --- | --- |\n{rows}"


def _use(subject: Subject, repo: str) -> str:
    return "\n\n".join(("## Use", *_installing(subject), *_with_zoo(subject, repo),
                        *_with_torch(subject, repo)))  # fmt: skip


def _installing(subject: Subject) -> Iterator[str]:
    wanted = requirement(subject)
    if wanted:
        yield f"```console\n$ pip install {wanted}\n```"


def requirement(subject: Subject) -> str:
    """Return what to install for the model, as a shell takes it; empty where nothing is known."""
    distribution = str(subject.card.get("distribution", ""))
    version = str(subject.card.get("version", ""))
    if subject.is_own_module:
        distribution = _HOME
        version = str(subject.run.record.get("zoo_version", ""))
    if not is_installable(distribution, version):
        return ""
    extra = str(subject.card.get("plugin", ""))
    try:
        extras = metadata(distribution).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        extras = []
    if extra in extras:
        return f"'{distribution}[{extra}]=={version}'"
    own = "" if distribution == _HOME else f" {_HOME}"
    return f"{distribution}=={version}{own}"


def _with_zoo(subject: Subject, repo: str) -> Iterator[str]:
    if subject.is_own_module:
        yield (
            "With zoo, the module built by yourself:\n\n"
            f"```python\nimport zoo\n\nnet = {subject.bare_name}()  # your own module\n"
            f'zoo.load_weights(net, zoo.pull("{repo}").weights)\n```'
        )
        return
    yield f'With zoo:\n\n```python\nimport zoo\n\nnet = zoo.load_model("{SIGN}{repo}")\n```'
    if (subject.card.get("input") or {}).get("shape"):
        yield f"```console\n$ zoo predict {SIGN}{repo} image.png\n```"


def _with_torch(subject: Subject, repo: str) -> Iterator[str]:
    if is_timms(subject):
        yield (
            "With timm alone:\n\n```python\nimport timm\n\n"
            f'net = timm.create_model("hf_hub:{repo}", pretrained=True).eval()\n```'
        )
    yield (
        "With plain torch:\n\n```python\n"
        "from huggingface_hub import hf_hub_download\nfrom safetensors.torch import load_model\n\n"
        f"{_built(subject)}\n"
        f'load_model(net, hf_hub_download("{repo}", "{WEIGHTS}"))\nnet.eval()\n```'
    )


def _built(subject: Subject) -> str:
    """Return the lines of Python that build the model without zoo."""
    entry = subject.entry
    arguments = dict(getattr(entry.spec, "arguments", {})) | subject.options if entry else {}
    module, _, name = entry.spec.address.partition(":") if entry else ("", "", "")
    plain = all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
    if not (entry and module and name and plain):
        return f"net = {subject.bare_name}()  # build the module as it was trained"
    first = name.partition(".")[0]
    call = ", ".join(f"{key}={_literal(value)}" for key, value in arguments.items())
    return f"from {module} import {first}\n\nnet = {name}({call})"


def _literal(value: Any) -> str:
    return repr(tuple(value)) if isinstance(value, list) else repr(value)


def _model(subject: Subject, files: Mapping[str, int]) -> str:
    card, record = subject.card, subject.run.record
    given = card.get("input") or {}
    classes = [str(name) for name in card.get("classes") or ()]
    weights = f"{in_words(files[WEIGHTS])} in `{WEIGHTS}`"
    if TORCH_WEIGHTS in files:
        weights += f", {in_words(files[TORCH_WEIGHTS])} in `{TORCH_WEIGHTS}`"
    rows = {
        "model": f"`{subject.model}`",
        "plugin": " ".join(str(card.get(key, "")) for key in ("plugin", "distribution", "version")),
        "options": _code(subject.options),
        "parameters": f"{record.get('parameters', 0):,}",
        "weights": weights,
        "task": str(card.get("task", "")),
        "input": _code({key: value for key, value in given.items() if value}),
        "classes": _classes(classes, card.get("num_classes")),
        "licence of the plugin": _licence(str(card.get("distribution", ""))),
    }
    return "## Model\n\n" + _table(rows)


def _training(subject: Subject, recipe: str) -> str:
    record = subject.run.record
    data, code = record.get("data", {}), record.get("code") or {}
    versions = record.get("versions", {})
    samples = ", ".join(f"{data[s]:,} {s}" for s in ("train", "test") if data.get(s))
    rows = {
        "dataset": f"`{subject.card.get('dataset', '')}`, {samples} samples",
        "fingerprint": f"`{data['fingerprint']}`" if data.get("fingerprint") else "",
        "time": f"{record['seconds']:,.1f} s" if record.get("seconds") else "",
        "versions": ", ".join(f"{name} {value}" for name, value in versions.items()),
        "code": f"`{code['commit']}`{', changed' if code.get('dirty') else ''}" if code else "",
        "started from": f"`{record['parent']}`" if record.get("parent") else "",
    }
    recipe = _without_paths(recipe).strip()
    return f"## Training\n\n{_table(rows)}\n\n```toml\n{recipe}\n```"


def _without_paths(recipe: str) -> str:
    """Leave out of the shown recipe where things were on somebody's disk."""
    return re.sub(r'= "(?:/|~|[A-Za-z]:\\)[^"\n]*"', '= "…"', recipe)


def _licence(distribution: str) -> str:
    try:
        found = metadata(distribution).json
    except (PackageNotFoundError, ValueError):
        return ""
    text = str(found.get("license_expression") or found.get("license") or "")
    return text if len(text) < 80 else ""


def _classes(names: list[str], count: Any) -> str:
    more = f", and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
    listed = f": {', '.join(names[:_MOST_CLASSES])}{more}" if names else ""
    return f"{count}{listed}"


def _code(value: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}={to_json(item)}`" for key, item in value.items())


def _table(rows: Mapping[str, str]) -> str:
    lines = (f"| {key} | {_cell(text)} |" for key, text in rows.items() if text.strip("` "))
    return "| | |\n| --- | --- |\n" + "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
