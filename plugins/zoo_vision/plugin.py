"""Specs of the plugin `vision`: image models, and datasets of images."""

from collections.abc import Sequence

from zoo_registry import DatasetSpec, ModelSpec, hookimpl

_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_FILES = tuple(f"MNIST/raw/{name}" for name in _IDX)
FASHION_MNIST_FILES = tuple(f"FashionMNIST/raw/{name}" for name in _IDX)
CIFAR10_FILES = tuple(
    f"cifar-10-batches-py/{name}"
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
)

# The first file that torchvision fetches, at each of its mirrors.
MNIST_URLS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
    "http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz",
)
FASHION_MNIST_URLS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
)
CIFAR10_URLS = ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",)

# K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, arxiv.org/abs/2404.00498.
# There the loss is the batch's sum and momentum is 0.85, with which a gradient moves the weights
# 1 / (1 - 0.85) times in the end, and once more by Nesterov: 1 + 1 / 0.15 = 7.667. The rate is
# 11.5 for 1,024 samples, so 11.5 / 7.667 = 1.5 for the mean of a batch of 1,024; for another batch
# size change it in proportion. Decay is given apart from the rate, 0.0153; torch multiplies it by
# the rate, so 0.0153 / 11.5 = 0.00133, for any batch size.
#
# Not as there: decay leaves biases alone, for torch would multiply theirs by their high rate; an
# average of the weights is measured and stored, where Lookahead would also go on training from it;
# crops are padded with zeros, not reflected; the whitening's bias is trained to the end, where
# there it is fixed after three epochs to save time, without a change to the accuracy.
_CIFAR10_SPEED = {
    "model.views": 6,
    "augment.crop": 2,
    "augment.flip": "alternating",
    "loss.label_smoothing": 0.2,
    "optimizer": "sgd",
    "optimizer.momentum": 0.85,
    "optimizer.nesterov": True,
    "optimizer.weight_decay": 0.00133,
    "lr_scale": {"blocks.*.norm*.bias": 64.0},
    "scheduler": "triangle",
    "scheduler.start_factor": 0.2,
    "scheduler.pct_start": 0.23,
    "scheduler.end_factor": 0.07,
    "ema": 0.95,
    "lr": 1.5,
    "batch_size": 1024,
    "epochs": 10,
}


MODELS = (
    ModelSpec(
        name="cifar10-speed",
        build="zoo_vision.cifar10_speed:Cifar10Speed",
        datasets=("cifar10", "digits"),
        summary="whitening and six convolutions: CIFAR-10 in ten epochs (Jordan 2024)",
        recipe=_CIFAR10_SPEED,
        recipes={
            "digits": {
                "model.width": 16,
                "model.views": 1,
                "augment.flip": False,
                "augment.crop": 1,
                "lr": 0.2,
                "batch_size": 128,
                "epochs": 8,
            }
        },
    ),
    ModelSpec(
        name="mnist-cnn",
        build="zoo_vision.mnist_cnn:MnistCnn",
        datasets=("mnist", "digits"),
        summary="three convolutions for small images: 99% on MNIST in seconds on a CPU",
        recipe={
            "optimizer": "adamw",
            "optimizer.weight_decay": 0.01,
            "scheduler": "one-cycle",
            "scheduler.pct_start": 0.2,
            "lr": 0.01,
            "batch_size": 128,
            "epochs": 2,
        },
        recipes={
            "digits": {
                "model.dropout": 0.3,
                "optimizer.weight_decay": 0.1,
                "loss.label_smoothing": 0.1,
                "batch_size": 64,
                "epochs": 12,
            }
        },
    ),
    ModelSpec(
        name="mlp",
        build="zoo_vision.mlp:MLP",
        task=("classification", "multilabel", "regression"),
        datasets=("mnist", "digits"),
        summary="a multilayer perceptron with any number and width of hidden layers",
        recipe={
            "optimizer": "adamw",
            "optimizer.weight_decay": 0.01,
            "scheduler": "one-cycle",
            "lr": 0.003,
            "batch_size": 128,
            "epochs": 10,
        },
        recipes={"digits": {"batch_size": 64, "epochs": 20}},
    ),
    ModelSpec(
        name="resnet18",
        build="zoo_vision.resnet:resnet18",
        datasets=("cifar10", "digits"),
        summary="ResNet-18 with a 3x3 stem and no max-pooling, for small images",
        recipe={
            "optimizer": "sgd",
            "optimizer.momentum": 0.9,
            "optimizer.nesterov": True,
            "optimizer.weight_decay": 5e-4,
            "scheduler": "one-cycle",
            "lr": 0.1,
            "batch_size": 128,
            "epochs": 30,
        },
        recipes={
            "cifar10": {"augment.crop": 4, "augment.flip": True},
            "digits": {
                "model.width": 16,
                "optimizer": "adamw",
                "lr": 0.005,
                "batch_size": 32,
                "epochs": 4,
            },
        },
    ),
)
"""The models: quick, plain, deep, and a speed run."""


@hookimpl
def zoo_models() -> Sequence[ModelSpec]:
    """Return the models: two that are quick, one that is plain, one that is deep."""
    return MODELS


@hookimpl
def zoo_datasets() -> Sequence[DatasetSpec]:
    """Return the datasets."""
    return [
        DatasetSpec(
            name="cifar10",
            build="zoo_vision.cifar:cifar10",
            files=CIFAR10_FILES,
            urls=CIFAR10_URLS,
            summary="60,000 colour images 32x32 of 10 kinds of animals and vehicles",
        ),
        DatasetSpec(
            name="digits",
            build="zoo_vision.digits:digits",
            summary="1,797 handwritten digits 28x28, in the package: needs no download",
        ),
        DatasetSpec(
            name="fashion-mnist",
            build="zoo_vision.mnist:fashion_mnist",
            files=FASHION_MNIST_FILES,
            urls=FASHION_MNIST_URLS,
            summary="70,000 grey images 28x28 of 10 kinds of clothing",
        ),
        DatasetSpec(
            name="folder",
            build="zoo_vision.folder:folder",
            summary="folder:PATH, image files in one sub-folder per class",
        ),
        DatasetSpec(
            name="mnist",
            build="zoo_vision.mnist:mnist",
            files=MNIST_FILES,
            urls=MNIST_URLS,
            summary="70,000 handwritten digits 28x28",
        ),
    ]
