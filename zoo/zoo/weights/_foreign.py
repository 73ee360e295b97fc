"""Weights that other programs wrote: read without running code, freed of wrappers' names."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .._weight_files import graph_refusal, weight_file
from ..errors import CorruptWeights, IncompatibleWeights, UsageError
from . import _safetensors
from ._canonical import why_not_plain
from ._contents import Contents
from ._head import other_classes
from ._load import match
from ._modules import Names, bare
from ._parts import choose_part
from ._rename import Renamed, as_in_model, without_wrappers
from ._report import LoadReport, some
from ._torch import contents_of, read_object


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Weights out of a file of any program's."""

    path: Path
    part: str
    """Where in the file they were, `state_dict_ema`; empty where it holds nothing else."""
    others: tuple[str, ...]
    """Other weights in it that could have been taken."""
    removed: tuple[str, ...]
    """Wrappers' names that were taken out of the tensors' names: `module.`."""
    left_out: tuple[str, ...]
    """What there was beside the tensors: numbers, counters, the tensors of a loss."""
    contents: Contents
    """The tensors, under their new names."""

    @property
    def tensors(self) -> OrderedDict[str, Tensor]:
        """The state_dict, as `save_weights` takes it. Its tensors may be views of the file."""
        return self.contents.state_dict()


def read_foreign(
    path: Path,
    *,
    part: str | None = None,
    model: Collection[str] | None = None,
    keep_names: bool = False,
) -> Foreign:
    """Read weights from a safetensors file or from whatever torch.save wrote.

    Args:
        path: the file, of any suffix.
        part: which of several; see `choose_part`.
        model: the names of the model's tensors, where it is known; wrappers' names are then
            taken out wherever that makes the file's names the model's.
        keep_names: whether names stay as they are.

    Raises:
        UsageError: no such file or part, or several that could be meant.
        CorruptWeights: the file is damaged.
        UntrustedWeights: it could only be read by running code in it.
        IncompatibleWeights: it holds no weights, or tensors that can't be stored.
    """
    contents, name, others = _chosen(weight_file(path, any_suffix=True), part)
    renamed = _renamed(path, name, contents.tensors, model, keep_names=keep_names)
    tensors = {new: contents.tensors[old] for old, new in renamed.names.items()}
    lost = [name for name in contents.tensors if name not in renamed.names]
    if versions := contents.versions:
        owners = {_owner(old): _owner(new) for old, new in renamed.names.items()}
        versions = {new: versions[old] for old, new in owners.items() if old in versions}
    return Foreign(
        path=path,
        part=f"{name}.{renamed.within}".strip("."),
        others=others,
        removed=renamed.removed,
        left_out=(*contents.skipped, *lost),
        contents=Contents(tensors, versions=versions),
    )


def require_fit(model: nn.Module, foreign: Foreign) -> LoadReport:
    """Compare weights with the model they are for.

    Raises:
        IncompatibleWeights: they don't fit in every tensor.
    """
    root = bare(model)
    try:
        return match(root, foreign.path, foreign.contents, strict=True, reset_head=False).report
    except IncompatibleWeights as error:
        if error.report is None:
            raise
        lines = "\n  ".join(error.report.differences())
        raise IncompatibleWeights(
            f"{foreign.path} does not fit {type(root).__name__}:\n  {lines}\nName the model that "
            "it was made with, and its options: --set model.NAME=VALUE. `zoo info MODEL` shows "
            "them.",
            error.report,
        ) from error


def classes_in(model: nn.Module, foreign: Foreign) -> int | None:
    """Return for how many classes weights are, where that alone keeps them from fitting."""
    try:
        require_fit(model, foreign)
    except IncompatibleWeights as error:
        if error.report is None or len(error.report.differences()) > 1:
            return None
        root = bare(model)
        numbers = other_classes(root, Names(root), error.report.mismatched)
        return numbers[0] if numbers else None
    return None


def _chosen(path: Path, part: str | None) -> tuple[Contents, str, tuple[str, ...]]:
    if _is_safetensors(path):
        contents = _safetensors.read(path)
        if part is None:
            return contents, "", ()
        value: Any = contents.state_dict()
    else:
        value = read_object(path, with_plain_types=True)
    chosen = choose_part(path, value, part)
    _require_plain(path, chosen.items)
    return contents_of(path, chosen.items), chosen.name, chosen.others


def _require_plain(path: Path, items: Mapping[Any, Any]) -> None:
    """Refuse to leave out a tensor: nobody wants half of the weights."""
    for name, item in items.items():
        if isinstance(item, Tensor) and (obstacle := why_not_plain(item)):
            raise IncompatibleWeights(
                f"{path}: can't take over {name!r}: it is {obstacle}. Where the file was made, "
                "make it a plain tensor (`.dequantize()`, `.to_dense()`), and save again."
            )


def _renamed(
    path: Path,
    part: str,
    names: Mapping[str, Tensor],
    model: Collection[str] | None,
    *,
    keep_names: bool,
) -> Renamed:
    if keep_names:
        return Renamed({name: name for name in names}, ())
    if model is None:
        return without_wrappers(names)
    places = as_in_model(names, model)
    if len(places) > 1:
        within = some([f"{part}.{place.within}".strip(".") for place in places], 8)
        raise UsageError(
            f"{path} holds the model's tensors several times; choose one with --part: {within}."
        )
    # Where they are nowhere, what is missing is said of the names as a person would read them.
    return places[0] if places else without_wrappers(names)


def _is_safetensors(path: Path) -> bool:
    """Tell the format by the file's beginning: names of foreign files end in anything.

    Raises:
        UsageError: it is an exported graph.
        CorruptWeights: it is neither of the two.
    """
    with path.open("rb") as stream:
        start = stream.read(9)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return True
    if start.startswith((b"PK\3\4", b"\x80")):
        return False
    if graph := graph_refusal(path):
        raise UsageError(graph)
    raise CorruptWeights(
        f"{path} is neither a safetensors file nor one of torch.save's. Copy or download it "
        "again; of another program's format, save the weights with torch.save where they were "
        "made."
    )


def _owner(name: str) -> str:
    """Return the path of the module that a tensor belongs to."""
    return name.rpartition(".")[0]
