"""The bare model inside whatever wraps it, found by walking the modules themselves.

Names are never stripped as text: a model may well have a child of its own called `module`.
"""

import sys

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

_WRAPPERS = (AveragedModel, DataParallel, DistributedDataParallel)


def bare(model: nn.Module) -> nn.Module:
    """Return the outermost module that is not a wrapper.

    Wrappers are `DataParallel`, `DistributedDataParallel`, `AveragedModel` and what
    `torch.compile` makes of a module. Those around submodules stay where they are.
    """
    while (child := _wrapped(model)) is not None:
        model = model.get_submodule(child)
    return model


class Names:
    """What the tensors of a model are called once no wrapper is counted, at any depth.

    Args:
        root: a module that is not itself a wrapper (see `bare`).
    """

    def __init__(self, root: nn.Module) -> None:
        self._paths = {"": ""}
        self._wrapped: dict[str, str | None] = {}
        for path, module in root.named_modules(remove_duplicate=False):
            parent, _, name = path.rpartition(".")
            if path and name == self._wrapped[parent]:
                self._paths[path] = self._paths[parent]
            elif path:
                self._paths[path] = f"{self._paths[parent]}.{name}".lstrip(".")
            self._wrapped[path] = _wrapped(module)

    def canonical(self, key: str) -> str | None:
        """Return the canonical name of a key of `root.state_dict()`.

        None where it is a wrapper's own, as `AveragedModel`'s count of averages is.
        """
        path, _, name = key.rpartition(".")
        while path not in self._paths:  # a key made up by a hook on the state_dict
            path, _, last = path.rpartition(".")
            name = f"{last}.{name}"
        if self._wrapped[path] is not None:
            return None
        return f"{self._paths[path]}.{name}".lstrip(".")

    def modules(self) -> dict[str, str]:
        """Return the path and the canonical path of every module that is not a wrapper."""
        return {path: name for path, name in self._paths.items() if self._wrapped[path] is None}


def _wrapped(module: nn.Module) -> str | None:
    """Return the name of the child that a wrapper wraps; None where the module is no wrapper."""
    if isinstance(module, _WRAPPERS):
        return "module"
    # No compiled module exists before its class does; importing that here would cost a second.
    compiler = sys.modules.get("torch._dynamo.eval_frame")
    if compiler is not None and isinstance(module, compiler.OptimizedModule):
        return "_orig_mod"
    return None
