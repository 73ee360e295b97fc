"""All that changes while a training lasts, as one tree: what a checkpoint holds."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from zoo_registry import InvalidOption, UsageError

from ..checkpoints import check_tree, map_tensors
from ..parallel import Strategy
from ._job import Job


class Stateful(Protocol):
    """A part of a training that changes while it lasts."""

    def state_dict(self) -> Any:
        """Return what it needs to go on: tensors, which may be its own, and plain values."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Go on from there."""


def job_parts(job: Job) -> dict[str, Stateful]:
    """Return the parts of a job that change, beside its model.

    Raises:
        InvalidOption: one that a plugin made has no state to be stored, or one of such values as
            no checkpoint can hold.
    """
    parts = {
        "optimizer": OptimizerState(job.optimizer, job.strategy),
        "scheduler": job.scheduler,
        "loss": job.criterion,
        "buffers": HiddenBuffers(job.model),
        "loss_buffers": HiddenBuffers(job.criterion),
        "scaler": job.precision.scaler,
        "average": job.average,
    }
    found = {name: part for name, part in parts.items() if part is not None}
    if not found["loss_buffers"].state_dict():  # as nearly always
        del found["loss_buffers"]
    for name, part in found.items():
        try:
            check_tree(part.state_dict())
        except (AttributeError, UsageError) as error:
            raise InvalidOption(
                f"the {name} can't be stored, so a run with it could not be resumed: {error}; its "
                "state_dict must hold tensors, numbers, texts, lists and dicts only"
            ) from error
    return found


def load_parts(
    parts: Mapping[str, Stateful], states: Mapping[str, Any], strategy: Strategy
) -> None:
    """Let each part go on from its state, of which each rank takes its own share.

    Raises:
        UsageError: the parts are others than those that were stored; the text names them.
    """
    if differing := parts.keys() ^ states.keys():
        raise UsageError(
            f"the checkpoint is of another training: it differs in {', '.join(sorted(differing))}; "
            "train the run's recipe.toml anew"
        )
    for name, part in parts.items():
        live = _tensors(part.state_dict())

        def shared(place: str, whole: Tensor, live: dict[str, Tensor] = live) -> Tensor:
            return strategy.share(whole, live.get(place))

        try:
            part.load_state_dict(map_tensors(states[name], shared))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"the {name} does not take the state that the checkpoint holds ({error}): it is "
                "not what it was; train the run's recipe.toml anew"
            ) from error


def _tensors(tree: Any) -> dict[str, Tensor]:
    """Return the tensors of a tree by their places."""
    found: dict[str, Tensor] = {}
    map_tensors(tree, found.setdefault)
    return found


class OptimizerState:
    """An optimizer's state, to the bit: torch alone casts it to the dtypes of the parameters."""

    def __init__(self, optimizer: Optimizer, strategy: Strategy) -> None:
        self._optimizer = optimizer
        self._strategy = strategy

    def state_dict(self) -> Any:
        """Return what the optimizer does."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from there."""
        if not isinstance(self._optimizer, Optimizer):
            self._optimizer.load_state_dict(state_dict)
            return
        groups = self._optimizer.param_groups
        parameters = dict(enumerate(p for group in groups for p in group["params"]))
        states = {
            number: {name: self._placed(v, parameters[number]) for name, v in state.items()}
            for number, state in state_dict["state"].items()
        }
        self._optimizer.load_state_dict({**state_dict, "state": states})
        for number, state in states.items():
            self._uncast(self._optimizer.state[parameters[number]], state)

    def _placed(self, value: Any, parameter: nn.Parameter) -> Any:
        """Lay out a tensor as the optimizer does that makes it like its parameter."""
        if not isinstance(value, Tensor) or value.shape != parameter.shape:
            return value
        shared = self._strategy.share(value, parameter)
        if type(shared) is not Tensor or shared.stride() == parameter.stride():
            return shared
        placed = shared.new_empty_strided(parameter.shape, parameter.stride())
        return placed.copy_(shared)

    @staticmethod
    def _uncast(loaded: dict[str, Any], state: dict[str, Any]) -> None:
        for name, value in state.items():
            if isinstance(value, Tensor) and loaded[name].dtype != value.dtype:
                loaded[name] = value.to(loaded[name].device)


class HiddenBuffers:
    """The buffers that a module keeps out of its state_dict."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Tensor]:
        """Return them by name."""
        return dict(self._buffers())

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> None:
        """Copy them back."""
        for name, buffer in self._buffers():
            buffer.copy_(state_dict[name])

    def _buffers(self) -> Iterator[tuple[str, Tensor]]:
        for path, module in self._model.named_modules():
            for name in sorted(module._non_persistent_buffers_set):  # noqa: SLF001 - torch has no other way to tell
                if (buffer := getattr(module, name)) is not None:
                    yield f"{path}.{name}".lstrip("."), buffer
