"""timm's own weights: which there are for an architecture, and getting them or saying why not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import timm
import torch
from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from torch import nn

from zoo import why_unreachable
from zoo_registry import InvalidOption, ZooError

_FILES = (
    "model.safetensors",
    "pytorch_model.bin",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""What the weights of a model on the hub are named, where timm does not say otherwise."""


def config_of(architecture: str, tag: str | None) -> Any:
    """Return timm's `PretrainedCfg`: input, normalisation, and where weights are.

    Args:
        architecture: timm's name of it.
        tag: of its weights, such as `a1_in1k`; None: timm's default.

    Raises:
        InvalidOption: it has no weights of that tag; the text names those it has.
    """
    known = _tags(architecture)
    if tag is not None and tag not in known:
        there_are = f"; there are: {', '.join(known)}" if known else ""
        raise InvalidOption(f"timm has no weights of {architecture} tagged {tag!r}{there_are}")
    config = timm.get_pretrained_cfg(full_name(architecture, tag))
    if config is None:
        raise InvalidOption(f"timm {timm.__version__} does not say what {architecture} takes")
    return config


def full_name(architecture: str, tag: str | None) -> str:
    """Return what timm calls an architecture with these weights."""
    return f"{architecture}.{tag}" if tag else architecture


def require_weights(architecture: str, config: Any) -> None:
    """Refuse an architecture that timm has no weights of.

    Raises:
        InvalidOption: with the tags that do have weights.
    """
    if not config.has_weights:
        known = _tags(architecture)
        remedy = f"--set model.tag={known[0]}" if known else "leave out model.pretrained"
        raise InvalidOption(f"timm has no weights of {architecture} by default; {remedy}")


def loaded(name: str, config: Any, make: Callable[[], nn.Module]) -> nn.Module:
    """Call `make`, which has timm load weights: from the disk where they are, else the network.

    Args:
        name: of the weights, for messages.
        config: timm's, which says where they are.
        make: builds the model with `pretrained=True`.

    Raises:
        ZooError: they are not here, and can't be downloaded.
    """
    if _is_here(config):
        with _hub_offline():
            return make()
    # Asked first: the hub's library tries for minutes where there is no network.
    if cause := why_unreachable(_addresses(config)):
        raise _unavailable(name, cause)
    try:
        return make()
    except (OSError, RuntimeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise _unavailable(name, lines[0]) from error


def _tags(architecture: str) -> list[str]:
    names = timm.list_pretrained(f"{architecture}.*")
    return [name.partition(".")[2] for name in names]


def _is_here(config: Any) -> bool:
    """Tell whether the hub's or torch's cache has the weights, without asking anybody."""
    if config.hf_hub_id:
        repo, revision, names = _on_hub(config)
        cached = [try_to_load_from_cache(repo, name, revision=revision) for name in names]
        return any(isinstance(path, str) for path in cached)
    return any(
        Path(torch.hub.get_dir(), "checkpoints", Path(urlparse(url).path).name).is_file()
        for url in _addresses(config)
    )


def _addresses(config: Any) -> list[str]:
    """Return where the weights may be fetched from."""
    if config.hf_hub_id:
        repo, revision, names = _on_hub(config)
        return [hf_hub_url(repo, name, revision=revision) for name in names]
    return [config.url] if isinstance(config.url, str) else []


def _on_hub(config: Any) -> tuple[str, str | None, tuple[str, ...]]:
    """Return the repository, its revision and the names that the file may have."""
    repo, _, revision = config.hf_hub_id.partition("@")
    return repo, revision or None, (config.hf_hub_filename,) if config.hf_hub_filename else _FILES


@contextmanager
def _hub_offline() -> Iterator[None]:
    """Have the hub's library answer from its cache alone, which it else compares with the hub."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unavailable(name: str, cause: str) -> ZooError:
    return ZooError(
        f"timm's weights {name} are not on this machine and can't be downloaded ({cause}). Try "
        "again with a network, or train from scratch: leave out model.pretrained"
    )
