"""A batch norm on several ranks computes what one process with the whole batch would."""

import sys
from importlib import import_module

import pytest
import torch
from torch import nn

from zoo.parallel import launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

RANK = """
    import copy  # what is sent to ranks is shared by them

    import torch
    from zoo.parallel import make_strategy

    def share(cases, sizes):
        strategy = make_strategy("ddp", torch.device("cpu"))
        try:
            return [run(strategy, *copy.deepcopy(case), sizes) for case in cases]
        finally:
            strategy.close()

    def run(strategy, module, values, factors, sizes):
        own = values.split(sizes)[strategy.rank].clone().requires_grad_()
        factor = factors.split(sizes)[strategy.rank]
        strategy.norms.install(module)
        if len(own):
            outputs = module(own)
            (outputs * factor).sum().backward()
        else:  # what the loop does where a rank has no sample: one that counts for nothing
            with strategy.idle():
                stand_in = (values[:1] + 100).requires_grad_()
                (module(stand_in).sum() * 0.0).backward()
            outputs, own = values[:0], values[:0].clone()
            own.grad = values[:0]
        for parameter in module.parameters():
            parameter.grad = strategy.sum(parameter.grad)
        strategy.unwrap(module)
        bare = "forward" not in vars(module)
        gradients = [own.grad, *(parameter.grad for parameter in module.parameters())]
        module.eval()
        buffers = [buffer.clone() for buffer in module.buffers()]
        return bare, outputs.detach().tolist(), to_lists(gradients), to_lists(buffers)

    def to_lists(tensors):
        return [tensor.tolist() for tensor in tensors]
"""


NORMS = [
    (nn.BatchNorm1d(4), (9, 4)),
    (nn.BatchNorm2d(4, affine=False, momentum=0.3), (9, 4, 3, 2)),
]


def test_uneven_shares_give_the_norm_of_the_whole_batch(write_package):
    """Outputs, gradients and running statistics, with shares of 6, of 3 and of none."""
    share = import_module(write_package(RANK)).share
    torch.manual_seed(0)
    cases = [(norm, 5 + 3 * torch.randn(shape), torch.randn(shape)) for norm, shape in NORMS]
    returned = launch(share, (cases, [6, 3, 0]), ranks=3)
    for (norm, values, factors), found in zip(cases, zip(*returned, strict=True), strict=True):
        own = values.clone().requires_grad_()
        expected = norm(own)
        (expected * factors).sum().backward()
        assert all(bare for bare, *_ in found), "unwrap gives the module its own forward again"
        close(joined(outputs for _, outputs, _, _ in found), expected)
        close(joined(gradients[0] for _, _, gradients, _ in found), own.grad)
        for _, _, gradients, buffers in found:
            close_all(gradients[1:], [parameter.grad for parameter in norm.parameters()])
            close_all(buffers, norm.buffers())


def joined(lists):
    return torch.cat([torch.tensor(values) for values in lists if values])


def close_all(lists, tensors):
    for values, tensor in zip(lists, tensors, strict=True):
        close(torch.tensor(values, dtype=tensor.dtype), tensor)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
