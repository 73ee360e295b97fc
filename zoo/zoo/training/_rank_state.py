"""What each rank of a training has for itself: its random generators and its sums."""

import json
from typing import Any

import torch
from safetensors.torch import load, save

from ..checkpoints import join_tree, split_tree
from ..data import mix
from ..metrics import Meter
from ..parallel import Strategy
from ._random import random_state, seed_all, set_random_state
from ._ranked import gathered

_TREE = "tree"
"""The tensor that holds the tree's form, as JSON; places in a state have other names."""


def rank_states(strategy: Strategy, meter: Meter) -> list[Any]:
    """Return the state of every rank, on each of them; collective."""
    own = {"random": random_state(strategy.device), "meter": meter.state_dict()}
    if strategy.num_ranks == 1:
        return [own]
    return [_unpacked(state) for state in gathered(strategy, _packed(own))]


def set_rank_state(
    strategy: Strategy, meter: Meter, states: list[Any], seed: int, step: int
) -> None:
    """Let this rank go on from its state among those of all ranks.

    Where they were more or fewer, rank 0 takes over all sums, and each rank draws random numbers
    that depend on the seed and the step.
    """
    if len(states) == strategy.num_ranks:
        meter.load_state_dict(states[strategy.rank]["meter"])
        set_random_state(states[strategy.rank]["random"], strategy.device)
        return
    for state in states if strategy.rank == 0 else ():
        meter.load_state_dict(state["meter"])
    seed_all(mix(seed, step, strategy.rank))


def _packed(state: Any) -> bytes:
    tree, tensors = split_tree(state)
    form = torch.frombuffer(bytearray(json.dumps(tree), "utf-8"), dtype=torch.uint8)
    plain = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    return save({**plain, _TREE: form})


def _unpacked(packed: bytes) -> Any:
    tensors = load(packed)
    return join_tree(json.loads(tensors[_TREE].numpy().tobytes()), tensors)
