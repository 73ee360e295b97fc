"""The kit finds what is wrong with datasets, optimizers, schedulers, losses and whole plugins."""

import textwrap

import pytest
from planted import METADATA, SOUND_DATA, SPECS

from zoo.conformance._plan import CHECKS

SOUND_OPT = """
class Opt(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    state["m"] = 0.9 * state.get("m", 0) + p.grad
                    p.sub_(group["lr"] * state["m"])
"""
SOUND_SCHED = """
class Sched:
    def __init__(self, optimizer, total_steps, end: float = 0.1):
        self.optimizer, self.total, self.end, self.steps = optimizer, total_steps, end, 0
        self.start = [group["lr"] for group in optimizer.param_groups]
    def step(self):
        self.steps += 1
        share = 1 - (1 - self.end) * self.steps / self.total
        for group, start in zip(self.optimizer.param_groups, self.start):
            group["lr"] = start * share
    def state_dict(self):
        return {"steps": self.steps, "start": self.start}
    def load_state_dict(self, state):
        self.__dict__.update(state)
"""
SOUND_LOSS = """
class loss(nn.Module):
    def forward(self, outputs, targets):
        return nn.functional.cross_entropy(outputs, targets)
"""
SOUND = {
    "dataset": SOUND_DATA,
    "optimizer": SOUND_OPT,
    "scheduler": SOUND_SCHED,
    "loss": SOUND_LOSS,
    "tracker": "class Track:\n    pass\n",
}
ITEMS = """
class Split(torch.utils.data.Dataset):
    def __init__(self, numbers): self.numbers = numbers
    def __len__(self): return len(self.numbers)
    def __getitem__(self, i): return torch.ones({shape}) * self.numbers[i], {label}
def data(root):
    return Splits(train=Split(range(20)), test=Split(range(20, 30)), classes=("a", "b", "c"))
"""

FAULTS = {
    "builds its splits": (
        "def data(root):\n    return [1, 2]",
        "returned a list, not zoo_registry.Splits",
        set(dict(CHECKS["dataset"])) - {"builds its splits"},
    ),
    "its items are of one kind": (
        ITEMS.format(shape="2 + i % 2", label="i % 3"),
        "sample 0 of train is float32 (2,) with label int64 ()",
        {"its labels are in range"},
    ),
    "its labels are in range": (
        ITEMS.format(shape="2", label="i % 4"),
        "training labels hold 3; the classes are numbered 0 to 2",
        set(),
    ),
    "its batches are its items": (
        SOUND_DATA
        + """
        class Other(ArrayDataset):
            def batch(self, indices):
                return super().batch(indices.sort().values)
        arrays = data
        def data(root):
            found = arrays(root)
            return Splits(train=Other(found.train.samples, found.train.labels), test=found.test)
        """.replace("\n        ", "\n"),
        "of train is another in a batch than by itself",
        set(),
    ),
    "is the same every time": (
        SOUND_DATA.replace(", generator=draw", ""),
        "built again it has other samples",
        set(),
    ),
    "its splits do not overlap": (
        SOUND_DATA.replace("x[10:], y[10:]", "x[5:], y[5:]"),
        "5 of 10 test samples are in the training split too",
        set(),
    ),
    "lowers a convex loss": (
        SOUND_OPT.replace("p.sub_", "p.add_"),
        "steps took the loss from",
        set(),
    ),
    "goes on from its state_dict": (
        SOUND_OPT.replace("state = self.state[p]", "state = vars(self).setdefault(id(p), {})"),
        "it keeps something that its state_dict lacks",
        set(),
    ),
    "each group has its rate": (
        SOUND_OPT.replace('group["lr"] *', 'self.defaults["lr"] *'),
        'the rate from its group, group["lr"]',
        set(),
    ),
    "its rates are finite and positive": (
        SOUND_SCHED.replace("end: float = 0.1", "end: float = -0.5"),
        "has a rate of -0.0",
        set(),
    ),
    "scheduler goes on": (
        SOUND_SCHED.replace('{"steps": self.steps, "start": self.start}', "{}"),
        "after its state_dict was loaded",
        set(),
    ),
    "is a finite number": (
        SOUND_LOSS.replace(
            "nn.functional.cross_entropy(outputs, targets)",
            "-outputs.softmax(1).gather(1, targets[:, None]).log().mean()",
        ),
        "for classification and outputs up to",
        set(),
    ),
    "is a mean over the batch": (
        SOUND_LOSS.replace("targets)\n", "targets, reduction='sum')\n"),
        "take the mean over the batch",
        set(),
    ),
    "has gradients": (
        SOUND_LOSS.replace("(outputs, targets)\n", "(outputs.detach() + 0 * outputs, targets)\n"),
        "a step against its gradient",
        set(),
    ),
    "its builder can be called": ("Track = 3", "can't be called", set()),
    "dataset at varied options": (
        SOUND_DATA.replace("    draw", "    assert samples != 80\n    draw"),
        "samples=80: AssertionError",
        set(),
    ),
    "optimizer at varied options": (
        SOUND_OPT.replace(
            "lr=0.05):", "lr=0.05, slow: bool = False):\n        lr = lr and (slow and low or lr)"
        ),
        "slow=True: NameError: name 'low' is not defined",
        set(),
    ),
    "scheduler at varied options": (
        SOUND_SCHED.replace("start * share", "start * share / (1 if self.end > 0.05 else 1e-320)"),
        "end=0.05: step 2 has a rate of inf",
        set(),
    ),
    "loss at varied options": (
        SOUND_LOSS.replace(
            "    def forward",
            "    def __init__(self, power: int = 1):\n"
            "        super().__init__()\n"
            "        self.scale = 10.0 ** (300 * (power - 1))\n"
            "    def forward",
        ).replace("targets)\n", "targets) * self.scale\n"),
        "power=2: for classification it is not finite",
        set(),
    ),
}
TITLES = {
    "scheduler goes on": "goes on from its state_dict",
    **{
        f"{kind} at varied options": "builds at varied options"
        for kind in ("dataset", "optimizer", "scheduler", "loss")
    },
}
"""Faults of checks whose title another kind has too; the kind comes first."""


def kind_of(fault):
    """The kind that a fault's check is for."""
    kinds = [k for k, checks in CHECKS.items() if k != "plugin" and fault in dict(checks)]
    return kinds[0] if kinds else fault.split()[0]


def test_sound_ones_pass(planted):
    """What the faults below are planted in has none."""
    specs = {kind: spec for kind, spec in SPECS.items() if kind in SOUND}
    planted.install("".join(SOUND.values()), specs)
    assert planted.failed() == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check(planted, fault):
    """And no other check than those that suffer from it."""
    source, said, also = FAULTS[fault]
    kind, title = kind_of(fault), TITLES.get(fault, fault)
    planted.install(textwrap.dedent(source), {kind: SPECS[kind]})
    failed = planted.failed("*")
    assert said in failed[title]
    assert set(failed) == {title} | also


PLUGIN_FAULTS = {
    "loads without a fault": ({"spec_header": "import no_such_module"}, "No module named"),
    "keeps to itself": ({"spec_header": "print('hello')"}, "hello"),
    "imports nothing heavy": ({"spec_header": "import numpy"}, "imports numpy"),
    "its metadata are complete": (
        {"metadata": METADATA.replace("Author: nobody\n", "").replace("Summary: faults\n", "")},
        "lacks description, authors",
    ),
}


@pytest.mark.parametrize("title", PLUGIN_FAULTS)
def test_a_fault_of_the_whole_plugin_fails_its_check(planted, title):
    """One that can't be imported offers nothing, and its other checks say so or go on."""
    changes, said = PLUGIN_FAULTS[title]
    planted.install(SOUND_DATA, {"dataset": SPECS["dataset"]}, **changes)
    failed = planted.failed()
    assert said in failed.pop(title)
    assert set(failed) <= {"imports nothing heavy"}


def test_what_a_plugin_forgot_is_named(planted):
    """A spec without its line for `zoo list`, an address that leads nowhere, a slow import."""
    specs = {"dataset": SPECS["dataset"].replace('summary="s"', 'summary=" "')}
    planted.install(SOUND_DATA, specs, spec_header="import time; time.sleep(1.1)")
    failed = planted.failed()
    assert failed["its metadata are complete"] == "without a summary, the line for `zoo list`: data"
    assert "takes 1." in failed["imports nothing heavy"]
    planted.install("", {"dataset": SPECS["dataset"]})
    assert "does not resolve" in planted.failed()["loads without a fault"]


def test_every_check_has_its_fault():
    """A check that nothing can fail proves nothing."""
    checked = {title for kind in CHECKS if kind != "model" for title, _ in CHECKS[kind]}
    assert checked == {TITLES.get(fault, fault) for fault in FAULTS} | set(PLUGIN_FAULTS)
