"""What every meter can do."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Meter(Protocol):
    """Sums up batches on the device and turns the sums into metrics.

    Shapes: B = batch, K = classes, labels or targets, S = numbers in a state.
    """

    def update(self, outputs: "Tensor", targets: "Tensor", loss: "Tensor") -> None:
        """Add a batch; nothing here waits for the device.

        Args:
            outputs: Logits or values (B, K), of any float type; with or without a graph.
            targets: Classes (B,) int64, multi-hot labels (B, K), or values (B, K). Where K is 1,
                outputs and targets of multilabel and regression may also be (B,).
            loss: The batch's mean loss, a 0-d tensor.

        Raises:
            InvalidData: the shapes of outputs and targets do not go together.
        """

    def compute(self) -> dict[str, float]:
        """Return the metrics of all samples since the last reset; waits for the device once.

        Fractions are fractions, 0.9921. What too few samples leave undefined is `nan`.
        """

    def reset(self) -> None:
        """Forget everything."""

    def state(self) -> "Tensor":
        """Return all that was summed up as one vector (S,), for `merge` of another rank's meter."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that it holds, for `load_state_dict` of a new one."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Add what another meter of the same kind held."""

    def merge(self, state: "Tensor") -> None:
        """Add what another meter of the same kind summed up, as its `state()` (S,)."""
