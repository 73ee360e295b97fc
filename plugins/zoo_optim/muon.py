"""Muon for whole models: torch's Muon where it applies, AdamW for the rest, as one optimizer."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Literal, overload

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from zoo_registry import InvalidOption


class Muon(torch.optim.Optimizer):
    """Muon on the hidden matrices of a model, AdamW on everything else.

    Muon orthogonalizes the update of a matrix, which suits hidden layers; "scalar and vector
    parameters, as well as the input and output layers, should be optimized by AdamW", and
    convolution kernels are matrices once "their last three dimensions" are flattened
    (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/). So among the trainable parameters with at least
    two rows and two columns after flattening, in the order given, the first (input layer,
    embedding) and the last (output layer) go to AdamW and those between them to Muon. A model
    with fewer than three such parameters is trained by AdamW alone.

    A group that holds `use_muon` is left as it is: True is Muon, False is AdamW.

    Args:
        params: Tensors, `(name, tensor)` pairs or groups, in the order of `model.parameters()`.
        lr: Learning rate of both.
        weight_decay: Decoupled weight decay of both.
        momentum: Muon's momentum factor.
        nesterov: Whether Muon's momentum is Nesterov's.
        ns_steps: Newton-Schulz iterations per update.
        adjust_lr_fn: `match_rms_adamw` scales Muon's update to the size of AdamW's, so that one
            rate serves both (Liu et al. 2025, https://arxiv.org/abs/2502.16982); `original` is
            K. Jordan's scaling, whose rates are some 20 times higher.
        betas: AdamW's decay rates of the two moments.
        eps: AdamW's term added to the denominator.

    Raises:
        InvalidOption: a group with `use_muon=True` holds a parameter that is no matrix.
        ValueError: as torch's Muon and AdamW do for an option out of its range.
    """

    def __init__(  # noqa: PLR0913  # the options of two optimizers
        self,
        params: ParamsT,
        lr: float = 1e-3,
        *,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["match_rms_adamw", "original"] = "match_rms_adamw",
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
    ) -> None:
        both: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
        # Torch's own two lend their `step` to the groups held here, and check the options. Each
        # starts with a tensor of its own, as no optimizer may start empty.
        self._muon = torch.optim.Muon(
            [torch.zeros(1, 1)],
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
            **both,
        )
        self._adamw = torch.optim.AdamW([torch.zeros(1)], betas=betas, eps=eps, **both)
        super().__init__(params if isinstance(params, Tensor) else list(_split(list(params))), both)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, to AdamW unless it holds `use_muon=True`."""
        use_muon = param_group.get("use_muon", False)
        engine = self._muon if use_muon else self._adamw
        super().add_param_group({**engine.defaults, "use_muon": use_muon, **param_group})
        for param in self.param_groups[-1]["params"]:
            if use_muon and param.ndim < 2:
                raise InvalidOption(
                    f"Muon takes matrices, and a group with use_muon=True has a parameter of shape "
                    f"{tuple(param.shape)}; put it into a group with use_muon=False"
                )

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step with every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        rest = [group for group in self.param_groups if not group["use_muon"]]
        _lend_step(self._adamw, rest, self.state)
        for group in self.param_groups:
            if group["use_muon"]:
                self._step_matrices(group)
        return loss

    @torch.no_grad()
    def _step_matrices(self, group: dict[str, Any]) -> None:
        """Let torch's Muon, which takes (rows, columns) only, work on flattened views."""
        params = [param for param in group["params"] if param.grad is not None]
        views: list[Tensor] = []
        state: defaultdict[Tensor, Any] = defaultdict(dict)
        for param in params:
            view = param.detach().flatten(1)
            view.grad = param.grad.flatten(1)
            state[view] = {"momentum_buffer": self._momentum(param).flatten(1)}
            views.append(view)
        _lend_step(self._muon, [{**group, "params": views}], state)
        for param, view in zip(params, views, strict=True):
            if not param.is_contiguous():  # channels_last: `flatten` had to copy
                param.copy_(view.view_as(param))

    def _momentum(self, param: Tensor) -> Tensor:
        """Return the momentum buffer, contiguous so that flattening it makes no copy."""
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(
                param, memory_format=torch.contiguous_format
            )
        buffer: Tensor = state["momentum_buffer"]
        return buffer

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_muon": self._muon, "_adamw": self._adamw}


def _lend_step(
    engine: torch.optim.Optimizer, groups: list[dict[str, Any]], state: defaultdict[Tensor, Any]
) -> None:
    """Let `engine` take a step with parameters and state that are not its own."""
    if not any(group["params"] for group in groups):
        return
    engine.param_groups, engine.state = groups, state
    try:
        engine.step()
    finally:
        engine.param_groups, engine.state = [], defaultdict(dict)


def _split(params: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield groups that are Muon's or AdamW's as a whole."""
    grouped = not params or isinstance(params[0], dict)
    groups = params if grouped else [{"params": params}]
    groups = [{**group, "params": _entries(group["params"])} for group in groups]
    matrices = [id(_tensor(e)) for group in groups for e in group["params"] if _is_matrix(e)]
    hidden = set(matrices[1:-1])
    for group in groups:
        if "use_muon" in group:
            yield group
            continue
        for use_muon in (True, False):
            part = [e for e in group["params"] if (id(_tensor(e)) in hidden) == use_muon]
            if part:
                yield {**group, "params": part, "use_muon": use_muon}


def _entries(params: Any) -> list[Any]:
    """Return a group's parameters, of which a lone tensor is one."""
    return [params] if isinstance(params, Tensor) else list(params)


def _tensor(entry: Any) -> Tensor:
    """Return the tensor of a parameter, which may come as a `(name, tensor)` pair."""
    tensor: Tensor = entry[1] if isinstance(entry, tuple) else entry
    return tensor


def _is_matrix(entry: Any) -> bool:
    """Whether Muon could train it: rows and columns, of which a vector in disguise has one."""
    tensor = _tensor(entry)
    rows = tensor.shape[0] if tensor.ndim > 1 else 1
    return tensor.requires_grad and rows > 1 and tensor.numel() > rows
