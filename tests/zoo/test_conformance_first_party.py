"""The kit holds for the plugins that come with zoo, and what it is tried on is really tried."""

import pytest

import zoo_registry
from zoo.conformance import plan_checks


@pytest.mark.parametrize("name", ["arrays", "optim", "vision"])
def test_a_first_party_plugin_passes(name):
    """What is skipped is data that are not here or of a user's own, and options that are none."""
    registry = zoo_registry.load(only=["arrays", "optim", "vision"])
    found = [(check, check.run()) for check in plan_checks(registry, name)]
    assert {check.name: o.detail for check, o in found if not o.holds} == {}
    skipped = {outcome.detail for _, outcome in found if outcome.verdict == "skipped"}
    reasons = ("data not here", "a user's own data", "no options with other values")
    assert all(any(reason in why for reason in reasons) for why in skipped)
    if name == "vision":
        tried = {c.subject.name: o.detail for c, o in found if c.title == "takes its declared data"}
        assert set(tried) == {
            "vision/cifar10-speed",
            "vision/mlp",
            "vision/mnist-cnn",
            "vision/resnet18",
        }
        assert all(detail == "vision/digits (1, 28, 28) -> (8, 10)" for detail in tried.values())


@pytest.mark.real_data
def test_a_dataset_with_files_is_read_where_they_are(data_root):
    """All of MNIST's training samples against all of its test samples, and the model on it."""
    registry = zoo_registry.load(only=["optim", "vision"])
    checks = plan_checks(registry, "vision", ["mnist", "mnist-cnn"], data_root=data_root)
    found = {check.name: check.run() for check in checks}
    assert {name: outcome.detail for name, outcome in found.items() if outcome.verdict != "ok"} == {
        "vision/mnist: builds at varied options": "it has no options with other values to try"
    }
    overlap = found["vision/mnist: its splits do not overlap"].detail
    assert overlap == "10,000 of 10,000 against 60,000: 0 in both"
    assert "vision/mnist (1, 28, 28)" in found["vision/mnist-cnn: takes its declared data"].detail
