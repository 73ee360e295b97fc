"""What a task is measured by: sums kept on the device, read once at the end.

Imports no torch until a meter is made, so that a recipe can be checked without it.
"""

from typing import TYPE_CHECKING

from ._meter import Meter
from ._tasks import default_monitor, direction, names, require_task

if TYPE_CHECKING:
    import torch

__all__ = ["Meter", "default_monitor", "direction", "for_task", "names"]


def for_task(task: str, device: "torch.device", num_classes: int) -> Meter:
    """Return an empty meter of the metrics in `names(task, num_classes)`.

    Args:
        task: `classification`, `multilabel` or `regression`.
        device: Where the outputs will be; the sums are kept there.
        num_classes: Classes, labels, or for regression targets per sample.

    Raises:
        UsageError: there is no such task.
    """
    require_task(task)
    from ._classification import ClassificationMeter
    from ._multilabel import MultilabelMeter
    from ._regression import RegressionMeter

    if task == "classification":
        return ClassificationMeter(device, num_classes)
    if task == "multilabel":
        return MultilabelMeter(device, num_classes)
    return RegressionMeter(device, num_classes)
