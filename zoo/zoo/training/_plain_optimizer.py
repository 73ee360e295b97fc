"""torch's own optimizers without the compiler they import at their first use.

`torch.optim.Optimizer` imports `torch._dynamo` when it is constructed and again at each step, to
tell a compiler that may be tracing to look away. That import takes about as long as importing
torch itself, and a training that compiles nothing has no use for it (pytorch/pytorch#162595 is
about the same cost elsewhere).
"""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer

_MARK = "__dynamo_disable"
"""Where `torch._compile._disable_dynamo` keeps what it runs instead of a method."""


_lock = threading.Lock()
_users = 0


@contextmanager
def without_compiler() -> Iterator[None]:
    """Let optimizers be built and used inside the block without importing the compiler.

    Where it is imported already, by whoever compiles, nothing changes. Should torch name its
    mark otherwise one day, the import comes back, and nothing else happens. Blocks may overlap,
    in several threads too: the last to end takes the marks away.
    """
    global _users  # noqa: PLW0603 - what is marked belongs to the whole process
    with _lock:
        _users += 1
        if "torch._dynamo" not in sys.modules:
            for method in _methods():
                setattr(method, _MARK, method)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            for method in _methods() if _users == 0 else ():
                if getattr(method, _MARK, None) is method:
                    delattr(method, _MARK)


def _methods() -> list[Callable[..., Any]]:
    return [
        method.__wrapped__ for method in vars(Optimizer).values() if hasattr(method, "__wrapped__")
    ]


def clear_of(optimizer: Optimizer) -> Callable[[], None]:
    """Return the call that forgets the gradients.

    For an optimizer that leaves `zero_grad` as torch has it, it sets them to None, as that does
    beneath its profiling.
    """
    if not isinstance(optimizer, Optimizer) or type(optimizer).zero_grad is not Optimizer.zero_grad:
        return optimizer.zero_grad
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def clear() -> None:
        for parameter in parameters:
            parameter.grad = None

    return clear


def step_of(optimizer: Optimizer) -> Callable[[], Any]:
    """Return the call that takes one step of `optimizer`.

    For an optimizer of torch's own that nobody hooked into, that is the method beneath torch's
    wrappers, which profile the call and import the compiler; for any other, `optimizer.step`.
    """
    kind = type(optimizer)
    if not isinstance(optimizer, Optimizer) or not kind.__module__.startswith("torch.optim."):
        return optimizer.step
    hooked = (
        "step" in vars(optimizer)  # a torch LRScheduler counts the calls through such a patch
        or optimizer._optimizer_step_pre_hooks  # noqa: SLF001 - torch has no public way to ask
        or optimizer._optimizer_step_post_hooks  # noqa: SLF001 - likewise
        or optimizer.defaults.get("differentiable")
    )
    if hooked:
        return optimizer.step
    bare = inspect.unwrap(kind.step)

    @torch.no_grad()
    def step() -> Any:
        return bare(optimizer)

    return step
