"""The kit finds what is wrong with a model: each fault fails the check that is for it."""

import textwrap

import pytest
import torch
from planted import SOUND_DATA, SOUND_NET, SPECS

import zoo_registry
from zoo.conformance import plan_checks
from zoo.conformance._plan import CHECKS

KINDS = {kind: SPECS[kind] for kind in ("model", "dataset")}
WEIGHTS = {"its weights survive .safetensors", "its weights survive .pth"}

FAULTS = {
    "builds at its defaults": (
        SOUND_NET.replace("num_classes: int = 3", "num_classes: int = -1"),
        "negative dimension",
        set(),
    ),
    "builds at varied options": (
        """
        from typing import Literal
        class Net(nn.Module):
            def __init__(self, in_features: int = 6, num_classes: int = 3,
                         act: Literal["relu", "gelu"] = "relu"):
                super().__init__()
                self.inner = nn.Linear(in_features, 4)
                self.act = {"relu": nn.ReLU}[act]()
                self.head = nn.Linear(4, num_classes)
            def forward(self, samples):
                return self.head(self.act(self.inner(samples)))
        """,
        "act='gelu': KeyError",
        set(),
    ),
    "the same seed gives the same weights": (
        SOUND_NET.replace(
            "    def forward",
            "        import numpy as np\n"
            "        drawn = np.random.default_rng().random(self.hidden.weight.shape)\n"
            "        self.hidden.weight.data = torch.from_numpy(drawn).float()\n"
            "    def forward",
        ),
        "hidden.weight: other values each time",
        set(),
    ),
    "takes its declared data": (
        SOUND_NET.replace(".relu())", ".relu()),"),
        "its outputs are a tuple",
        {
            "builds at varied options",
            "takes batches of any size",
            "every parameter gets a gradient",
            "its head can be swapped",
            *WEIGHTS,
        },
    ),
    "takes batches of any size": (
        SOUND_NET.replace(".relu())", ".relu()).squeeze(0)"),
        "outputs for 1 samples have shape (3,), not (1, 3)",
        set(),
    ),
    "every parameter gets a gradient": (
        SOUND_NET.replace(
            "    def forward", "        self.extra = nn.Linear(2, 2)\n    def forward"
        ),
        "extra.weight, extra.bias take no part in the outputs",
        set(),
    ),
    "hides no modules in plain containers": (
        SOUND_NET.replace(
            "    def forward",
            "        self.layers = [nn.Linear(width, width)]\n"
            "        nn.init.eye_(self.layers[0].weight); nn.init.zeros_(self.layers[0].bias)\n"
            "    def forward",
        ).replace(".relu())", ".relu() + self.layers[0](self.hidden(samples)))"),
        "layers is a plain container",
        set(),
    ),
    "tied weights are one": (
        SOUND_NET.replace(
            "    def forward",
            "        self.again = nn.Linear(in_features, width, bias=False)\n"
            "        self.again.weight = nn.Parameter(self.hidden.weight.data)\n"
            "    def forward",
        ).replace(".relu())", ".relu() + self.again(samples))"),
        "hidden.weight and again.weight share memory",
        set(),
    ),
    "names its weights alike however it is wrapped": (
        SOUND_NET
        + """
    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        own = super().state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        if prefix:
            own[prefix + "wrapped"] = torch.ones(1)
        return own
""",
        "under DataParallel it has other names: wrapped",
        set(),
    ),
    "its weights survive .pth": (
        SOUND_NET.replace(
            "    def forward", "        self.scale = torch.rand(1)\n    def forward"
        ).replace(".relu())", ".relu()) * self.scale"),
        "with the same weights it computes something else",
        WEIGHTS,
    ),
    "its weights survive .safetensors": (
        SOUND_NET
        + """
    def get_extra_state(self):
        return {"version": 1}
    def set_extra_state(self, state):
        pass
""",
        "can't store '_extra_state': it is a dict",
        None,
    ),
    "its head can be swapped": (
        SOUND_NET.replace("super().__init__()", "super().__init__(); width = width + num_classes"),
        "",
        set(),
    ),
}


def test_a_sound_model_passes(planted):
    """What the faults below are planted in has none."""
    planted.install(SOUND_DATA + SOUND_NET, KINDS)
    assert planted.failed() == {}


@pytest.mark.parametrize("title", FAULTS)
def test_a_fault_fails_its_check(planted, title):
    """And no other check, where nothing else suffers from it; a None says that much does."""
    source, said, also = FAULTS[title]
    planted.install(SOUND_DATA + textwrap.dedent(source), KINDS)
    failed = planted.failed("net")
    assert said in failed[title]
    assert also is None or set(failed) == {title} | also


def test_a_check_says_the_same_every_time_and_leaves_nothing_behind(planted):
    """Whatever was drawn before, and whatever the model draws: generators and warnings too."""
    planted.install(SOUND_DATA + SOUND_NET, KINDS)
    registry = zoo_registry.load(only=["planted", "optim"])
    said = []
    for _ in range(2):
        state = torch.get_rng_state()
        said.append([check.run().detail for check in plan_checks(registry, "planted", ["net"])])
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(3)
    assert said[0] == said[1]


def test_samples_are_made_up_where_no_data_are_here(planted):
    """In the sizes that the model's signature has, for its task; and the row says why."""
    many = (
        SPECS["model"]
        .replace('"data",', '"data", "nowhere"')
        .replace("summary", 'task=("regression", "multilabel"), summary')
    )
    net = SOUND_NET.replace(
        "in_features: int = 6, num_classes: int = 3", "in_features=5, num_classes=2"
    )
    planted.install(net, {"model": many})
    assert planted.failed("net") == {}
    registry = zoo_registry.load(only=["planted", "optim"])
    found = {check.title: check.run() for check in plan_checks(registry, "planted", ["net"])}
    outcome = found["takes its declared data"]
    assert outcome.verdict == "skipped"
    assert "data not here: data (no dataset named 'data'" in outcome.detail
    assert found["builds at its defaults"].detail == "34 parameters on made-up samples"


@pytest.mark.parametrize("task", ["regression", "multilabel", "classification"])
@pytest.mark.parametrize("builder", ["image", "table"])
def test_samples_are_made_up_for_any_task(planted, task, builder):
    """Images for who takes channels, rows and columns; as many classes as the model has."""
    spec = f'ModelSpec(name="net", build="planted_code:{builder}", task="{task}", summary="s")'
    planted.install(
        """
def image(in_channels=1, image_size=(8, 6), num_classes=7):
    return nn.Sequential(
        nn.Conv2d(in_channels, 4, 3), nn.Flatten(), nn.Linear(4 * 6 * 4, num_classes)
    )
def table(in_features, num_classes):
    return nn.Sequential(nn.Linear(in_features, 4), nn.Linear(4, num_classes))
""",
        {"model": spec},
    )
    assert planted.failed("net") == {}


def test_a_constant_need_not_be_stored(planted):
    """A buffer that every model computes for itself, such as a mask, may stay out of the file."""
    net = SOUND_NET.replace(
        "    def forward",
        "        self.register_buffer('mask', torch.ones(1), persistent=False)\n    def forward",
    ).replace(".relu())", ".relu() + self.mask)")
    planted.install(SOUND_DATA + net, KINDS)
    assert planted.failed() == {}


def test_images_are_made_up_as_large_as_the_model_needs_them(planted):
    """Where nothing says how large, small ones are tried first."""
    planted.install(
        """
def build(num_classes=3):
    return nn.Sequential(
        nn.Conv2d(3, 2, 40, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, num_classes)
    )
""",
        {"model": 'ModelSpec(name="net", build="planted_code:build", summary="s")'},
    )
    assert planted.failed("net") == {}


def test_a_value_of_a_literal_may_be_another_specs(planted):
    """Where one builder serves many: it is refused in plain words, or it is a fault."""
    code = """
from typing import Literal
def build(kind, weights: Literal["one", "two"] = "one"):
    from zoo_registry import {error}
    if weights == "two":
        raise {error}("there are no such weights")
    return nn.Linear(32, 3)
"""
    model = 'ModelSpec(name="net", build="planted_code:build", summary="s"'
    shared = {"model": f'{model}, arguments={{"kind": "a"}})'}
    title = "builds at varied options"
    planted.install(code.format(error="InvalidOption"), shared)
    assert title not in planted.failed("net")
    planted.install(
        code.format(error="InvalidOption").replace("kind, ", ""), {"model": f"{model})"}
    )
    assert "weights='two': there are no such weights" in planted.failed("net")[title]


def test_every_check_of_a_model_has_its_fault():
    """A check that nothing can fail proves nothing."""
    assert {title for title, _ in CHECKS["model"]} == set(FAULTS)
