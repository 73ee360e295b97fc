"""A model in which gradients can be compared: nothing drawn at random, no tie, norms that fit."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..training import Job

# B = batch

_SHAKE = 0.05
"""Of a parameter's mean size: what is added at random."""
_LEAST = 0.01
"""The size taken for a parameter of zeros."""


def settle(job: Job) -> None:
    """Take the model of `job` away from where it was initialised, and let its norms see a batch.

    Weights such as identity kernels give equal values to max-pool from: the roundings then decide
    where a gradient goes, and they differ with the size of a batch. And before they have seen data,
    the running statistics of norms let activations grow until the loss saturates. On several
    ranks this is collective, and comes out the same on each.
    """
    draw = torch.Generator().manual_seed(job.recipe.seed)
    with torch.no_grad():
        for parameter in job.trained:
            size = float(parameter.abs().mean()) or _LEAST
            noise = torch.randn(parameter.shape, generator=draw).to(parameter)
            parameter.add_(noise, alpha=_SHAKE * size)
        for norm in _norms(job.model):
            norm.momentum = None  # the plain mean of all batches since the reset
            norm.reset_running_stats()
        still(job.model, norms=True)
        job.model(job.train.read(job.train.indices(1, 0), 1).samples)


def still(model: nn.Module, *, norms: bool) -> None:
    """Let `model` compute what it does in training, but for what differs between parts by nature.

    Nothing is dropped out. Without `norms`, batch norms use their running statistics, so that
    what becomes of a sample does not depend on the others of its part.
    """
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            module.dropout = 0.0
            module.train()  # without it, cuDNN computes no gradients
    for norm in _norms(model) if norms else ():
        norm.train()


def _norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
