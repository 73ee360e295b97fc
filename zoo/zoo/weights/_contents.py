"""What a weight file holds, whatever its format."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ._canonical import set_versions


@dataclass(frozen=True)
class Contents:
    """A file's tensors, and what else it says that loading needs."""

    tensors: Mapping[str, Tensor]
    skipped: tuple[str, ...] = ()
    """Names of what is no plain tensor."""
    versions: Mapping[str, int] | None = None
    """The version of each module whose tensors these are, where the file records them.

    `nn.Module._version` lets a module convert what older code of its own has stored; version 1
    may be left out.
    """

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """Return the tensors with the versions where `nn.Module.load_state_dict` looks for them."""
        state = OrderedDict(self.tensors)
        if self.versions is not None:
            set_versions(state, {path: {"version": v} for path, v in self.versions.items()})
        return state


def versions_in(metadata: Any) -> dict[str, int] | None:
    """Read the versions that PyTorch attaches to a state_dict; None where there are none."""
    if not isinstance(metadata, Mapping):
        return None
    found = {
        path: facts.get("version")
        for path, facts in metadata.items()
        if isinstance(path, str) and isinstance(facts, Mapping)
    }
    return {path: version for path, version in found.items() if isinstance(version, int)}
