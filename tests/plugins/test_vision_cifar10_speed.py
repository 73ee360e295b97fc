"""The net `cifar10-speed`: its whitening, its views, its recipe's arithmetic; and it learns."""

import math
import tarfile
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its name in all of torch's documentation

import zoo
from zoo.errors import InvalidOption, UsageError
from zoo_optim.schedulers import triangle
from zoo_vision import plugin
from zoo_vision._whitening import PatchStatistics, cifar10_statistics, whitening_filters
from zoo_vision.cifar10_speed import Block, Cifar10Speed

(SPEC,) = [spec for spec in plugin.zoo_models() if spec.name == "cifar10-speed"]
MEAN = torch.tensor((0.4914, 0.4822, 0.4465)).view(1, 3, 1, 1)
STD = torch.tensor((0.2470, 0.2435, 0.2616)).view(1, 3, 1, 1)
"""Of CIFAR-10, as its dataset has them."""
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def smooth_images(count, channels, size=12, seed=0):
    """Draw images whose neighbouring pixels and channels resemble each other: (B, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, channels, size, size, generator=generator, dtype=torch.float64)
    smooth = F.avg_pool2d(noise, 3, stride=1, padding=1)
    return smooth + 0.5 * smooth.mean(dim=1, keepdim=True) + 0.05 * noise


def all_patches(images):
    """Cut out every 2x2 patch, one at a time: (patches, 4 C)."""
    rows, columns = images.shape[2:]
    corners = [(i, j) for i in range(rows - 1) for j in range(columns - 1)]
    return torch.cat([images[:, :, i : i + 2, j : j + 2].flatten(1) for i, j in corners])


def measured(images):
    """Take the eigen-decomposition of all patches' covariance, in float64, largest first."""
    patches = all_patches(images).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    shape = (len(values), images.shape[1], 2, 2)
    return PatchStatistics(values.flip(0), vectors.T.flip(0).reshape(shape))


def narrow(**options):
    """Build the net, narrow enough to be quick, with weights that are nowhere trivial."""
    torch.manual_seed(0)
    model = Cifar10Speed(**{"width": 4, "num_classes": 5, **options})
    for parameter in model.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def real_images(root, per_class):
    """Read the first images of each class of CIFAR-10, by part: normalised (B, 3, 32, 32), (B,)."""
    images, labels = {"train": [], "test": []}, {"train": [], "test": []}
    with tarfile.open(root / "cifar10-images.tar.xz") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if member.isfile() and int(path.stem) < per_class:
                picture = Image.open(archive.extractfile(member)).convert("RGB")
                images[path.parts[0]].append(np.asarray(picture))
                labels[path.parts[0]].append(CLASSES.index(path.parts[1]))
    pixels = {part: torch.from_numpy(np.stack(images[part])).permute(0, 3, 1, 2) for part in images}
    return {
        part: ((x / 255 - MEAN) / STD, torch.tensor(labels[part])) for part, x in pixels.items()
    }


def accuracy_after_training(model, train, test, epochs=4, batch_size=64):
    """Train by the recipe's rates, without augmentation and average; return the test's accuracy."""
    rate = SPEC.recipe["lr"] * batch_size / SPEC.recipe["batch_size"]
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    biases = [p for name, p in trained if "norm" in name]
    groups = [
        {"params": [p for name, p in trained if "norm" not in name]},
        {"params": biases, "lr": 64 * rate, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, rate, 0.85, nesterov=True, weight_decay=0.00133)
    scheduler = triangle(optimizer, total_steps=epochs * math.ceil(len(train[0]) / batch_size))
    for epoch in range(epochs):
        order = torch.randperm(len(train[0]), generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(batch_size):
            outputs = model.train()(train[0][batch])
            loss = F.cross_entropy(outputs, train[1][batch], label_smoothing=0.2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    with torch.inference_mode():
        return (model.eval()(test[0]).argmax(dim=1) == test[1]).float().mean().item()


def linear_accuracy(train, test):
    """Fit a ridge regression to the pixels; return the test's accuracy."""
    pixels, targets = train[0].flatten(1), F.one_hot(train[1]).float()
    penalty = 1e4 * torch.eye(pixels.shape[1])
    weights = torch.linalg.solve(pixels.T @ pixels + penalty, pixels.T @ targets)
    return ((test[0].flatten(1) @ weights).argmax(dim=1) == test[1]).float().mean().item()


class TestWhitening:
    """Filters whose outputs are uncorrelated and of one variance."""

    @settings(max_examples=20)
    @given(st.integers(1, 4), st.integers(0, 1000), st.floats(1e-6, 1))
    def test_outputs_are_uncorrelated(self, channels, seed, eps):
        """On the images measured the covariance is the identity, less what `eps` takes."""
        images = smooth_images(20, channels, seed=seed)
        statistics = measured(images)
        outputs = F.conv2d(images, whitening_filters(statistics, eps)).transpose(0, 1).flatten(1)
        half = len(outputs) // 2
        covariance = outputs[:half] @ outputs[:half].T / outputs.shape[1]
        kept = statistics.eigenvalues / (statistics.eigenvalues + eps)
        torch.testing.assert_close(covariance, kept.diag(), atol=1e-9, rtol=0)
        torch.testing.assert_close(outputs[half:], -outputs[:half])

    @pytest.mark.parametrize("channels", [1, 3])
    def test_the_table_is_a_decomposition(self, channels):
        """Positive variances that fall, and vectors that are orthonormal, to its four digits."""
        values, vectors = cifar10_statistics(channels)
        assert vectors.shape == (4 * channels, channels, 2, 2)
        assert vectors.dtype == values.dtype == torch.float32
        assert values.tolist() == sorted(values.tolist(), reverse=True)
        assert values.min() > 0
        products = vectors.flatten(1) @ vectors.flatten(1).T
        torch.testing.assert_close(products, torch.eye(4 * channels), atol=5e-4, rtol=0)

    def test_the_variance_of_a_pixel_is_one(self):
        """The images are normalised, so the variances of a patch's numbers add up to theirs."""
        values, _ = cifar10_statistics(3)
        assert values.sum().item() == pytest.approx(12, rel=0.02)

    def test_grey_is_the_mean_of_the_colours(self):
        """The table for one channel follows from that for three."""
        values, vectors = cifar10_statistics(3)
        mean = vectors.mean(dim=1).flatten(1)  # (12, 4)
        grey_values, grey_vectors = cifar10_statistics(1)
        flat = grey_vectors.flatten(1)
        torch.testing.assert_close(
            flat @ (mean.T * values @ mean) @ flat.T,
            grey_values.diag(),
            rtol=0.02,
            atol=0.05,  # the four patterns are the eigenvectors within 2%
        )

    @pytest.mark.parametrize("channels", [0, 2, 4])
    def test_other_channels_are_refused(self, channels):
        """What is not known is not guessed; the message says who takes them."""
        with pytest.raises(InvalidOption, match=f"not {channels}; resnet18"):
            Cifar10Speed(in_channels=channels)

    @pytest.mark.real_data
    def test_the_table_is_that_of_the_real_images(self, data_root):
        """Of 2,000 JPEG copies: vectors agree, variances too, but for the fine ones JPEG takes."""
        images, _ = real_images(data_root, per_class=200)["train"]
        assert len(images) == 2000
        values, vectors = measured(images)
        table, known = cifar10_statistics(3)
        alike = (vectors.float().flatten(1) * known.flatten(1)).sum(dim=1).abs()
        apart = [0, 1, 4, 5]  # the others' variances come in pairs, which may mix
        assert alike[apart].min() > 0.99
        along = (known.flatten(1).double() @ all_patches(images).T.double()).square().mean(dim=1)
        torch.testing.assert_close(along[:6].float(), table[:6], rtol=0.15, atol=0)
        lost = table[6:] / along[6:].float()
        assert ((lost > 2) & (lost < 15)).all()
        # A vector that were not an eigenvector would mix variances that differ a thousandfold.
        torch.testing.assert_close(along.sort().values, values.sort().values, rtol=0.1, atol=0)


class TestNet:
    """Its layers, and what they compute."""

    def test_it_is_the_papers(self):
        """1.97 million parameters (section 3.1), all but filters and scales trained."""
        parameters = dict(Cifar10Speed().named_parameters())
        assert sum(p.numel() for p in parameters.values()) == pytest.approx(1.97e6, rel=2e-3)
        fixed = {name for name, parameter in parameters.items() if not parameter.requires_grad}
        assert fixed == {"whiten.weight"} | {n for n in parameters if "norm" in n and "weight" in n}

    def test_it_computes_what_the_paper_says(self):
        """Its layers one after another, written out with torch's functions."""
        model = narrow(width=3).double().eval()
        images = torch.randn(6, 3, 32, 32, dtype=torch.float64)
        x = F.gelu(F.conv2d(images, model.whiten.weight, model.whiten.bias))
        assert x.shape == (6, 24, 31, 31)
        for block in model.blocks:
            for number in (1, 2):
                x = F.conv2d(x, getattr(block, f"conv{number}").weight, padding=1)
                x = F.max_pool2d(x, 2) if number == 1 else x
                norm = getattr(block, f"norm{number}")
                mean, var = norm.running_mean.view(1, -1, 1, 1), norm.running_var.view(1, -1, 1, 1)
                x = F.gelu((x - mean) / var.sqrt() + norm.bias.view(1, -1, 1, 1))
        x = F.max_pool2d(x, 3).flatten(1)
        assert x.shape == (6, 12)
        torch.testing.assert_close(model(images), x @ model.head.weight.T / 9)

    @settings(max_examples=20)
    @given(
        channels=st.sampled_from([1, 3]),
        rows=st.integers(9, 40),
        columns=st.integers(9, 40),
        num_classes=st.integers(2, 12),
        width=st.integers(1, 8),
        views=st.sampled_from([1, 2, 6]),
    )
    def test_it_takes_images_of_any_size(self, channels, rows, columns, num_classes, width, views):
        """Rectangles, grey and colour, from 9x9: logits, and a gradient for all that is trained."""
        model = Cifar10Speed(
            in_channels=channels,
            image_size=(rows, columns),
            num_classes=num_classes,
            width=width,
            views=views,
        )
        images = torch.randn(3, channels, rows, columns)
        outputs = model(images)
        assert outputs.shape == model.eval()(images).shape == (3, num_classes)
        outputs.square().sum().backward()
        for name, parameter in model.named_parameters():
            assert (parameter.grad is not None) == parameter.requires_grad, name
            assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name

    @pytest.mark.parametrize(("before", "after"), [(24, 64), (8, 3), (5, 5)])
    def test_convolutions_start_by_passing_their_input_on(self, before, after):
        """As many channels as there are, on either side."""
        block = Block(before, after)
        images = torch.randn(2, before, 6, 6)
        shared = min(before, after)
        torch.testing.assert_close(block.conv1(images)[:, :shared], images[:, :shared])
        features = torch.randn(2, after, 6, 6)
        torch.testing.assert_close(block.conv2(features), features)
        assert block.conv1.weight.is_leaf

    def test_fixed_parameters_stay_as_they_are(self):
        """An optimizer given all parameters, weight decay included, moves only the trained."""
        model = Cifar10Speed(width=2)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
        model(torch.randn(4, 3, 32, 32)).square().sum().backward()
        optimizer.step()
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, before[name]) != parameter.requires_grad, name

    def test_running_statistics_follow_at_once(self):
        """Each batch counts 0.4, as the paper's momentum of 0.6 says."""
        model = Cifar10Speed(width=2)
        norm = model.blocks[0].norm1
        images = torch.randn(8, 3, 32, 32)
        inputs = F.max_pool2d(model.blocks[0].conv1(F.gelu(model.whiten(images))), 2)
        model(images)
        torch.testing.assert_close(norm.running_mean, 0.4 * inputs.mean(dim=(0, 2, 3)))

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"image_size": 8}, "too small.*9x9"),
            ({"image_size": (32, 8)}, "32x8 are too small"),
            ({"width": 0}, "width"),
            ({"views": 3}, "views must be one of 1, 2, 6"),
            ({"depth": 3}, "no option 'depth'"),
        ],
    )
    def test_options_that_can_not_work(self, options, text):
        """Each is answered with what would."""
        with pytest.raises(UsageError, match=text) as raised:
            zoo.create_model("cifar10-speed", **options)
        assert isinstance(raised.value, InvalidOption)

    def test_a_call_from_python_is_checked_as_well(self):
        """Without the zoo in between, three views are no silent single one."""
        with pytest.raises(InvalidOption, match="1, 2, 6 views"):
            Cifar10Speed(views=3)

    def test_the_same_seed_gives_the_same_weights(self):
        """And the filters are the same for any."""
        states = []
        for seed in (7, 7, 8):
            torch.manual_seed(seed)
            states.append(zoo.create_model("cifar10-speed", width=4).state_dict())
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert torch.equal(states[0]["whiten.weight"], states[2]["whiten.weight"])
        assert not torch.equal(states[0]["head.weight"], states[2]["head.weight"])


class TestViews:
    """What evaluation averages."""

    def test_six_views_are_the_papers(self):
        """Half for the image and its mirror image, half for both of them shifted by a pixel."""
        model = narrow(views=6).eval()
        images = torch.randn(3, 3, 32, 32)
        plain = narrow(views=1).eval()

        def both(batch):
            return (plain(batch) + plain(batch.flip(3))) / 2

        padded = np.pad(images.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        corners = [padded[:, :, :32, :32], padded[:, :, 2:, 2:]]
        shifted = torch.stack([both(torch.from_numpy(corner.copy())) for corner in corners])
        expected = both(images) / 2 + shifted.mean(dim=0) / 2
        torch.testing.assert_close(model(images), expected)

    @settings(max_examples=10)
    @given(st.integers(9, 20), st.integers(9, 20))
    def test_an_image_and_its_mirror_image_score_the_same(self, rows, columns):
        """With two views each is a view of the other."""
        model = narrow(views=2, image_size=(rows, columns)).eval()
        images = torch.randn(2, 3, rows, columns)
        torch.testing.assert_close(model(images), model(images.flip(3)))

    def test_training_sees_each_image_once(self):
        """Views are for evaluation only, and change no weight's name."""
        images = torch.randn(4, 3, 32, 32)
        one, six = narrow(views=1), narrow(views=6)
        assert torch.equal(one.train()(images), six.train()(images))
        assert not torch.equal(one.eval()(images), six.eval()(images))
        assert one.state_dict().keys() == six.state_dict().keys()


class TestRecipe:
    """The paper's numbers, in this loop's units."""

    def test_a_step_is_the_papers(self):
        """There the loss is a sum, and rate and decay are given per 1,024 samples, decoupled.

        Velocity v and weights w, with the paper's rate L, decay D and momentum m: the sum of the
        losses' gradients, times L / 1024 / (1 + 1 / (1 - m)), and D / (1 + 1 / (1 - m)) of w.
        """
        recipe = SPEC.recipe
        momentum, batch_size = recipe["optimizer.momentum"], recipe["batch_size"]
        weight = torch.randn(5, dtype=torch.float64)
        ours = nn.Parameter(weight.clone())
        optimizer = torch.optim.SGD(
            [ours],
            lr=recipe["lr"],
            momentum=momentum,
            nesterov=recipe["optimizer.nesterov"],
            weight_decay=recipe["optimizer.weight_decay"],
        )
        kilo_step = 1 + 1 / (1 - 0.85)
        velocity = torch.zeros_like(weight)
        for _ in range(10):
            gradients = torch.randn(batch_size, 5, dtype=torch.float64)  # of each sample's loss
            ours.grad = gradients.mean(dim=0)
            optimizer.step()
            change = (11.5 / 1024 * gradients.sum(dim=0) + 0.0153 * weight) / kilo_step
            velocity = 0.85 * velocity + change
            weight = weight - change - 0.85 * velocity  # Nesterov
        torch.testing.assert_close(ours.detach(), weight, rtol=1e-4, atol=1e-6)

    def test_the_high_rate_is_for_the_norms_biases(self):
        """By name, and for nothing else."""
        ((pattern, factor),) = SPEC.recipe["lr_scale"].items()
        parameters = Cifar10Speed(width=1).named_parameters()
        trained = [name for name, parameter in parameters if parameter.requires_grad]
        chosen = [name for name in trained if fnmatchcase(name, pattern)]
        assert chosen == [name for name in trained if "norm" in name]
        assert (len(chosen), factor) == (6, 64)


class TestLearning:
    """What it is for."""

    def test_it_learns_digits_by_its_recipe(self):
        """Grey images, by the shared loop: rates, schedule and average work together."""
        run = zoo.train("cifar10-speed", "digits", epochs=4, progress=False)
        assert run.metrics["accuracy"] > 0.95

    @pytest.mark.real_data
    def test_it_learns_real_images(self, data_root):
        """Four epochs on 4,000 of them beat the best linear model of their pixels by far."""
        images = real_images(data_root, per_class=400)
        train, test = images["train"], [part[::4] for part in images["test"]]
        torch.manual_seed(0)
        learnt = accuracy_after_training(Cifar10Speed(width=8), train, test)
        assert learnt > linear_accuracy(train, test) + 0.04
