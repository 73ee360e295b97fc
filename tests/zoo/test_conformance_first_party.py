"""The kit holds for the plugins that come with zoo, and what it is tried on is really tried."""

import pytest

import zoo_registry
from zoo.conformance import plan_checks


@pytest.mark.parametrize("name", ["arrays", "optim", "vision"])
def test_a_first_party_plugin_passes(name):
    """What is skipped is data that are not here, or of a user's own."""
    registry = zoo_registry.load(only=["arrays", "optim", "vision"])
    found = [(check, check.run()) for check in plan_checks(registry, name)]
    assert {check.name: o.detail for check, o in found if not o.holds} == {}
    skipped = {outcome.detail for _, outcome in found if outcome.verdict == "skipped"}
    assert all("data not here" in why or "a user's own data" in why for why in skipped)
    if name == "vision":
        tried = {c.subject.name: o.detail for c, o in found if c.title == "takes its declared data"}
        assert set(tried) == {
            "vision/cifar10-speed",
            "vision/mlp",
            "vision/mnist-cnn",
            "vision/resnet18",
        }
        assert all(detail == "vision/digits (1, 28, 28) -> (8, 10)" for detail in tried.values())
