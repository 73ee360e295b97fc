"""Trainings that are cut off at a given call, gone on with, and compared by their bytes."""

import hashlib
import os
import random
import signal

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

import zoo
from zoo.checkpoints import checkpoints
from zoo.home import runs_dir

SIZE, BATCH, EPOCHS = 54, 16, 3
STEPS = EPOCHS * 4
"""Of a training: three whole batches and a ragged one, three times."""


class Killed(BaseException):
    """Ends a training as little prepared as SIGKILL does, for all that is stored."""


class Net(nn.Module):
    """Has what is easily forgotten: dropout, running statistics, a buffer outside its weights.

    Args:
        strikes: at which calls something happens, and what; counted over all instances of a list.
    """

    def __init__(self, strikes=(), size=64, classes=4):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(size, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3)
        )
        self.head = nn.Linear(12, classes)
        self.register_buffer("calls", torch.zeros(()), persistent=False)
        self.strikes = list(strikes)

    def forward(self, samples):
        if self.training:
            self.calls += 1
        outputs = self.head(self.layers(samples)) + 1e-3 * self.calls
        if self.training:  # from generators that are not torch's
            outputs = outputs * (1 + 1e-3 * random.random() + 1e-3 * np.random.rand())
        for strike in self.strikes:
            strike(self)
        return outputs


def after(calls, action, *, training=None):
    """Return a strike: do something at the n-th call, of training or evaluation or any."""
    left = [calls]

    def strike(model):
        if training in (None, model.training):
            left[0] -= 1
            if left[0] == 0:
                action()

    return strike


def kill():
    raise Killed


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def images(task="classification"):
    generator = torch.Generator().manual_seed(5)
    samples = torch.randint(0, 256, (2 * SIZE, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 4, (2 * SIZE,), generator=generator)
    if task == "regression":
        labels = torch.randn(2 * SIZE, 4, generator=generator)
    if task == "multilabel":
        labels = (torch.rand(2 * SIZE, 4, generator=generator) > 0.5).float()
    return samples[:SIZE], labels[:SIZE], samples[SIZE:], labels[SIZE:]


class Items(Dataset):
    """Images one by one, with noise that the dataset draws itself."""

    def __init__(self, samples, labels):
        self.samples, self.labels = samples, labels

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        noise = torch.randint(0, 30, (1, 8, 8), dtype=torch.uint8)
        return self.samples[index] // 2 + noise, self.labels[index]


def one_by_one():
    x, y, x_test, y_test = images()
    return Items(x, y), Items(x_test, y_test)


PLAIN = {"epochs": EPOCHS, "batch_size": BATCH, "checkpoint_steps": 2, "progress": False}


def begin(strikes=(), dataset=None, name="killed", **changes):
    return zoo.train(Net(strikes), dataset or images(), name=name, **PLAIN | changes)


def go_on(strikes=(), dataset=None, name="killed", **how):
    return zoo.resume(name, model=Net(strikes), dataset=dataset or images(), progress=False, **how)


def stored(run):
    """The digests of all that a run keeps: weights, history, the newest checkpoint."""
    names = ["model.safetensors", "model.pth", "metrics.jsonl"]
    files = [run.path / name for name in names if (run.path / name).exists()]
    newest = checkpoints(run.path)[0]
    files += sorted(newest.iterdir())
    return {
        str(file.relative_to(run.path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name != "manifest.json"  # the digests of the others
    }


def cut_off(moments, *, training=None, name="killed", **changes):
    """Kill a run at these calls, one after the other, each of the training that goes on; end it."""
    for moment in [*moments, None]:
        strikes = [] if moment is None else [after(moment, kill, training=training)]
        there = (runs_dir() / name).exists()  # not where the kill came before anything was stored
        try:
            return go_on(strikes, name=name) if there else begin(strikes, name=name, **changes)
        except Killed:
            pass
    raise AssertionError("the last one is not killed")
