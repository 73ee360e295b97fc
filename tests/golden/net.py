"""The net whose weights are in the golden files: zoo's `mlp` without zoo, so that peers make them.

`zoo convert FILE -o OUT --model mlp --set model.in_features=4 --set 'model.hidden=[5]'` takes them.
"""

import torch
from torch import nn


class Net(nn.Module):
    """Its tensors hold values that are computed here and there alike, by no random generator."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 5), nn.ReLU())
        self.head = nn.Linear(5, 3)
        with torch.no_grad():
            for number, parameter in enumerate(self.parameters()):
                values = torch.arange(parameter.numel(), dtype=torch.float32)
                parameter.copy_((values / 8 + number + shift).view(parameter.shape))

    def forward(self, samples):
        return self.head(self.layers(samples))
