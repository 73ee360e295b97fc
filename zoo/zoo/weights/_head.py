"""Telling a head for another number of classes from weights that do not fit."""

from collections.abc import Sequence

from torch import nn

from ._modules import Names
from ._report import Mismatch


def other_classes(
    root: nn.Module, names: Names, mismatched: Sequence[Mismatch]
) -> tuple[int, int] | None:
    """Return the classes of the file and of the model, where heads are all that differs.

    A head's tensors have a row for each class: they differ in their first dimension only, all of
    them from the same number to the same number. Where a layer within the model is wider, so is
    what the next one takes, and that is its second dimension. An embedding has a row for each
    word, and is no head.

    Args:
        root: the bare model.
        names: what its tensors are called.
        mismatched: all that differs.
    """
    numbers = {_rows(mismatch) for mismatch in mismatched}
    embeddings = {
        f"{name}.weight".lstrip(".")
        for path, name in names.modules().items()
        if isinstance(root.get_submodule(path), nn.Embedding | nn.EmbeddingBag)
    }
    if len(numbers) != 1 or embeddings & {mismatch.name for mismatch in mismatched}:
        return None
    return numbers.pop()


def _rows(mismatch: Mismatch) -> tuple[int, int] | None:
    file, model = mismatch.file_shape, mismatch.model_shape
    if not file or not model or file[1:] != model[1:] or file[0] == model[0]:
        return None
    return file[0], model[0]
