"""A multilayer perceptron."""

import itertools
from typing import Literal

import torch
from torch import nn

from zoo_registry import InvalidOption

# B = batch, D = features, K = classes, labels or targets

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}


class MLP(nn.Module):
    """Linear layers with an activation and dropout between them; the input is flattened.

    Weights start as in Glorot & Bengio 2010 before sigmoid and tanh and in the last layer, as in
    He et al. 2015 before the others.

    Args:
        in_features: numbers in one sample; of an image, all its pixels.
        num_classes: classes, labels or targets.
        hidden: width of each hidden layer, first to last; none makes a linear model.
        activation: after each hidden layer.
        dropout: share of each hidden layer's outputs that training drops.

    Raises:
        InvalidOption: a width below 1, an activation there is not, or a dropout out of its range.
    """

    def __init__(
        self,
        in_features: int = 784,
        num_classes: int = 10,
        hidden: tuple[int, ...] = (128,),
        activation: Literal["relu", "leaky_relu", "sigmoid", "tanh", "gelu"] = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if any(width < 1 for width in hidden):
            raise InvalidOption(f"hidden is {list(hidden)}; each layer needs a width of 1 or more")
        if activation not in _ACTIVATIONS:
            raise InvalidOption(f"activation is {activation!r}; choose from {list(_ACTIVATIONS)}")
        if not 0 <= dropout < 1:
            raise InvalidOption(f"dropout is {dropout}; it is a share, from 0 to below 1")
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise((in_features, *hidden)):
            layers += [_linear(fan_in, fan_out, activation), _ACTIVATIONS[activation]()]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers)
        self.head = _linear(hidden[-1] if hidden else in_features, num_classes, "linear")

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Score each sample: float32 (B, …) of D numbers each -> logits or values (B, K)."""
        outputs: torch.Tensor = self.head(self.layers(samples.flatten(1)))
        return outputs


def _linear(fan_in: int, fan_out: int, activation: str) -> nn.Linear:
    """Return a layer whose first weights suit the `activation` that follows it."""
    layer = nn.Linear(fan_in, fan_out)
    if activation in ("linear", "sigmoid", "tanh"):
        # Glorot & Bengio's factor of 4 undoes the sigmoid's slope of 1/4 at 0.
        nn.init.xavier_uniform_(layer.weight, gain=4.0 if activation == "sigmoid" else 1.0)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer
