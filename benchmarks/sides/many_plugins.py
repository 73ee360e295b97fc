"""Plugins by the hundred, laid down as pip installs them."""

import base64
import hashlib
from pathlib import Path

HEAVY_EVERY = 10
"""One plugin in so many imports torch at the top of its spec module."""

_MODULE = '''\
"""Models that nobody trains."""
{heavy}
from zoo_registry import ModelSpec, hookimpl


@hookimpl
def zoo_models():
    """Offer them."""
    return [
        ModelSpec(
            name=f"{stem}-{{number:02}}",
            build="{package}.nets:Net",
            task="classification",
            datasets=("digits", "mnist"),
            recipe={{"epochs": 10 + number, "lr": 0.01, "optimizer": "adamw"}},
            summary=f"Number {{number}} of {models} networks with as many layers as blocks",
        )
        for number in range({models})
    ]
'''
_NETS = '''\
"""What the models are."""

from torch import nn


class Net(nn.Linear):
    """A linear layer."""

    def __init__(self, width: int = 64, num_classes: int = 10) -> None:
        super().__init__(width, num_classes)
'''


def write_plugins(folder: Path, count: int, models: int) -> None:
    """Write `count` distributions of `models` models each, every one with its records."""
    for number in range(count):
        stem = f"bench-{number:03}"
        package = stem.replace("-", "_")
        heavy = "" if number % HEAVY_EVERY else "\nimport torch  # noqa: F401\n"
        source = _MODULE.format(heavy=heavy, stem=stem, package=package, models=models)
        info = f"{package}-1.0.dist-info"
        files = {
            f"{package}/__init__.py": f'"""{stem}."""\n',
            f"{package}/plugin.py": source,
            f"{package}/nets.py": _NETS,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {stem}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/INSTALLER": "pip\n",
            f"{info}/entry_points.txt": f"[zoo]\n{stem} = {package}.plugin\n",
        }
        files[f"{info}/RECORD"] = _record(files, info)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")


def _record(files: dict[str, str], info: str) -> str:
    lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    return "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
