"""A run that was killed anywhere ends, once resumed, with the bytes of one never stopped."""

import importlib
import json
import shutil
import subprocess
import sys
import textwrap

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from killed_runs import (
    BATCH,
    PLAIN,
    STEPS,
    Killed,
    Net,
    after,
    begin,
    cut_off,
    go_on,
    images,
    kill,
    one_by_one,
    stored,
    terminate,
)
from torch import nn

import zoo
from zoo.checkpoints import checkpoints
from zoo.errors import (
    CorruptCheckpoint,
    CorruptWeights,
    InvalidData,
    InvalidOption,
    Stopped,
    UnknownName,
    UsageError,
)
from zoo.reporting import Silent
from zoo.runs import find_run
from zoo.training import Bystander, Fit, Interrupt
from zoo.training._state import HiddenBuffers, OptimizerState
from zoo_registry._discovery import discover
from zoo_registry._plugin import Plugin
from zoo_registry._registry import Registry

SETTINGS = {
    "plain": {},
    "adam, clipped, averaged, in parts": {
        "optimizer": "adamw",
        "accumulate": 3,
        "ema": 0.9,
        "clip_norm": 0.5,
    },
    "momentum, cosine": {"optimizer": "sgd", "scheduler": "cosine", "lr": 0.1},
    "plateau, early stop": {"scheduler": "plateau", "early_stop": 2, "lr": 0.5, "epochs": 6},
    "muon": {"optimizer": "muon"},
    "bf16": {"precision": "bf16"},
    "augmented": {"set": {"augment.crop": 1, "augment.flip": True, "augment.mixup": 0.4}},
    "foreach": {"set": {"optimizer.foreach": True}},
}


@pytest.mark.parametrize("chosen", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("moment", [1, 2, 5, 9])
def test_a_killed_run_ends_as_if_it_had_not_been(chosen, moment):
    """Weights, history, optimizer and all: the same bytes, killed twice, the second time later."""
    expected = stored(begin(name="whole", **chosen))
    assert stored(cut_off([moment, moment], training=True, **chosen)) == expected


@pytest.mark.parametrize("task", ["regression", "multilabel"])
def test_the_sums_of_an_epoch_go_on(task):
    """Metrics of floats are summed in the same order, whatever was stored in between."""
    data = images(task)
    expected = stored(begin(name="whole", dataset=data))
    with pytest.raises(Killed):
        begin([after(7, kill, training=True)], dataset=data)
    assert stored(go_on(dataset=data)) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_any_number_of_workers_reads_the_same(workers):
    """Killed with one number, resumed with another: what a sample draws is its own."""
    expected = stored(begin(name="whole", dataset=one_by_one(), workers=1))
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)], dataset=one_by_one(), workers=1)
    run = go_on(dataset=one_by_one(), workers=workers)
    assert stored(run) == expected


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, STEPS + 6), min_size=1, max_size=5), st.sampled_from([0, 1, 3]))
def test_however_often_it_is_killed(moments, every):
    """In training or evaluation, before the first checkpoint or after, any number of times."""
    changes = {"checkpoint_steps": every}
    for name in ("whole", "killed"):
        shutil.rmtree(zoo.home.runs_dir() / name, ignore_errors=True)
    expected = stored(begin(name="whole", **changes))
    assert stored(cut_off(moments, **changes)) == expected


@pytest.mark.parametrize("training", [True, False], ids=["in training", "in evaluation"])
def test_sigterm_stores_the_state_and_says_how_to_go_on(training):
    """After the step, or the batch of an evaluation; exit code 75; then as if nothing had been."""
    expected = stored(begin(name="whole"))
    with pytest.raises(Stopped, match=r"stored; `zoo resume killed` goes on") as stopped:
        begin([after(2, terminate, training=training)])
    assert stopped.value.exit_code == 75
    run = find_run("killed")
    assert run.state == "stopped"
    assert len(run.history) == 0
    assert run.weights.exists()
    assert stored(go_on()) == expected


def test_a_stop_in_an_evaluation_leaves_out_the_rest_of_it():
    """The next batch is not measured: a machine that is taken away does not wait."""
    measured = []

    class Watched(Net):
        def forward(self, samples):
            if not self.training:
                measured.append(len(samples))
            return super().forward(samples)

    model = Watched([after(3, terminate, training=False)])  # two before it check the model
    big = tuple(part.repeat(8, *[1] * (part.ndim - 1)) for part in images()[2:])
    with pytest.raises(Stopped):
        zoo.train(model, (*images()[:2], *big), name="killed", **PLAIN)
    assert sum(size > 2 for size in measured) <= 2 < len(big[0]) / (4 * BATCH)


def test_a_finished_run_says_so():
    """Nothing ends with success that has trained nothing."""
    run = begin()
    with pytest.raises(UsageError, match="killed is done"):
        go_on()
    assert find_run("killed").record["ended"] == run.record["ended"]


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before():
    """It is said, and the end is the same."""
    expected = stored(begin(name="whole"))
    with pytest.raises(Killed):
        begin([after(8, kill, training=True)])
    newest, before = checkpoints(find_run("killed").path)
    data = bytearray((newest / "state.safetensors").read_bytes())
    data[-3] ^= 4
    (newest / "state.safetensors").write_bytes(data)
    reporter = Notes()
    run = zoo.resume("killed", model=Net(), dataset=images(), progress=reporter)
    assert any(f"{newest} is not what was stored" in text for text in reporter.notes)
    assert reporter.began == int(before.name[5:13])
    assert stored(run) == expected


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)

    def started(self, facts):
        self.began = facts.step


def test_where_all_checkpoints_are_damaged_nothing_is_overwritten():
    """The best weights are still there: it is said, and what can be done."""
    with pytest.raises(Killed):
        begin([after(8, kill, training=True)])
    run = find_run("killed")
    for path in checkpoints(run.path):
        (path / "state.json").write_text("{}")
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    with pytest.raises(CorruptCheckpoint, match=r"no checkpoint of killed is .*recipe\.toml"):
        go_on()
    assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before
    shutil.rmtree(run.path / "checkpoints")
    assert go_on().state == "done"


def test_a_run_that_lacks_nothing_but_its_record_says_so(monkeypatch):
    """Killed after its last step: nothing is trained, and that is no secret."""
    expected = stored(begin(name="whole"))

    def killed(*_args, **_record):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(zoo.runs.RunWriter, "finish", killed)
        with pytest.raises(Killed):
            begin()
    reporter = Notes()
    # By force: the process that was to be killed is this one, and lives.
    run = zoo.resume("killed", model=Net(), dataset=images(), progress=reporter, force=True)
    assert run.state == "done"
    assert any("nothing is left to train" in text for text in reporter.notes)
    assert stored(run) == expected


def test_one_who_chose_a_checkpoint_too_early_does_not_go_on_from_it(monkeypatch):
    """Two in two terminals: while one prepared, the other went on, took steps and was stopped."""
    expected = stored(begin(name="whole"))
    with pytest.raises(Killed):
        begin([after(4, kill, training=True)])
    choose = zoo.training._train.newest_checkpoint

    def slowly(run, note):
        found = choose(run, note)
        patch.undo()
        with pytest.raises(Stopped):
            go_on([after(5, terminate, training=True)])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(zoo.training._train, "newest_checkpoint", slowly)
        with pytest.raises(UsageError, match="another process has gone on with the run killed"):
            go_on()
    assert stored(go_on()) == expected


class Counting(nn.CrossEntropyLoss):
    """Has a buffer outside its state_dict on which its values depend."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, outputs, labels):
        self.calls += torch.is_grad_enabled()
        return super().forward(outputs, labels) * (1 + 1e-2 * self.calls)


def test_hidden_buffers_of_a_loss_go_on_too():
    """As the model's do."""
    expected = stored(begin(name="whole", loss=Counting()))
    with pytest.raises(Killed):
        begin([after(7, kill, training=True)], loss=Counting())
    assert stored(go_on(loss=Counting())) == expected


def test_a_part_that_is_another_now_is_named(monkeypatch):
    """A plugin's optimizer that wants another state than the one that was stored."""
    with pytest.raises(Killed):
        begin([after(7, kill, training=True)], optimizer="adamw")

    def other(_self, _state):
        raise KeyError("momentum")

    monkeypatch.setattr(OptimizerState, "load_state_dict", other)
    with pytest.raises(UsageError, match="the optimizer does not take the state .*momentum"):
        go_on()


def test_without_any_checkpoint_it_starts_over():
    """A run that was killed at its first steps is its recipe, which says everything."""
    expected = stored(begin(name="whole", checkpoint_steps=0))
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)], checkpoint_steps=0)
    shutil.rmtree(find_run("killed").path / "checkpoints")
    assert stored(go_on()) == expected


def test_weights_torn_from_their_record_are_put_in_order(monkeypatch):
    """A kill between the two weight files of a better epoch leaves the run usable, then exact."""
    expected = stored(begin(name="whole", monitor="loss", lr=0.02))
    publish, calls = zoo.training._keeper.save_weights, []

    def torn(state, path, **facts):
        calls.append(path)
        if len(calls) == 4:  # of the second epoch that was better: safetensors new, pth old
            raise Killed
        return publish(state, path, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(zoo.training._keeper, "save_weights", torn)
        with pytest.raises(Killed):
            begin(monitor="loss", lr=0.02)
    with pytest.raises(Stopped):
        go_on([after(2, terminate, training=False)])
    run = find_run("killed")
    one, other = run.weights, run.path / "model.pth"
    first, second = zoo.weights.read_state_dict(one), zoo.weights.read_state_dict(other)
    assert all(torch.equal(first[name], second[name]) for name in first)
    zoo.runs.verify_files(run)
    assert stored(go_on()) == expected


def test_other_data_are_refused():
    """The same name with other samples would be another training."""
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)])
    other = images()
    other[0][3] += 1
    with pytest.raises(InvalidData, match="data of killed have changed"):
        go_on(dataset=other)


def test_another_model_is_refused():
    """And the run is left as it was."""
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)])
    before = stored(find_run("killed"))
    wide = Net(classes=5)
    with pytest.raises((UsageError, InvalidData)):
        zoo.resume("killed", model=wide, dataset=images(), progress=False)
    assert stored(find_run("killed")) == before


def test_parts_of_ones_own_are_asked_for():
    """The recipe has only their names."""
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)])
    with pytest.raises(InvalidData, match=r"a model of your own, net; .*model=…"):
        zoo.resume("killed", progress=False)


def test_an_altered_recipe_is_refused():
    """It is not what the run was trained by."""
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)])
    recipe = find_run("killed").path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("seed = 0", "seed = 1"))
    with pytest.raises(CorruptWeights, match=r"recipe\.toml"):
        go_on()


WITHOUT_PICKLE = """
    import sys

    sys.modules["_pickle"] = None  # pickle has nothing but its own Python then, for whoever uses it
    import pickle
    import torch

    def refuse(*args, **kwargs):
        raise AssertionError("something was unpickled")

    pickle._Unpickler.load = torch.load = refuse
    try:
        pickle.loads(pickle.dumps(1))
    except AssertionError as error:
        print(error)
    from zoo.cli import main

    main()
"""


def test_nothing_is_unpickled():
    """Neither by zoo nor by a library on its behalf, from the command to the run's end."""
    small = {"epochs": 3, "device": "cpu", "set": {"model.hidden": [8]}}
    whole = zoo.train("mlp", "digits", name="whole", progress=False, **small)
    with pytest.raises(Killed):
        zoo.train("mlp", "digits", name="killed", progress=Mortal(), **small)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_PICKLE), "resume", "killed"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("something was unpickled\n")
    assert stored(find_run("killed")) == stored(whole)


class Mortal(Silent):
    """Ends a training when its second epoch has ended."""

    def epoch_ended(self, row):
        if row.epoch == 2:
            raise Killed


def test_no_run_of_that_name_is_said():
    """With the nearest."""
    with pytest.raises(UnknownName, match="no run 'nothing'"):
        zoo.resume("nothing")


def job_and_fit(monkeypatch):
    """A training as it is before its first step."""
    found = []
    monkeypatch.setattr(Fit, "run", lambda fit: found.append(fit) or True)
    begin(optimizer="adamw", scheduler="plateau", ema=0.9, clip_norm=1.0, precision="bf16")
    return found[0].job, found[0]


def test_every_part_with_a_state_is_in_the_tree(monkeypatch):
    """Whoever adds one to the job or the loop, and forgets it here, is told."""
    job, fit = job_and_fit(monkeypatch)
    stateful = {
        name: value
        for holder in (job, fit)
        for name, value in vars(holder).items()
        if hasattr(value, "state_dict") and not isinstance(value, type)
    }
    known = {id(part) for part in fit.parts.values()}
    known |= {
        id(part._optimizer) for part in fit.parts.values() if isinstance(part, OptimizerState)
    }
    by_itself = {"model", "net", "_meter", "_evaluated", "strategy"}
    """The weights, whatever wraps them, and the sums of each rank."""
    assert {name for name, part in stateful.items() if id(part) not in known} <= by_itself
    assert any(isinstance(part, HiddenBuffers) for part in fit.parts.values())
    assert {"optimizer", "scheduler", "loss", "average", "guard", "update", "gradients"} <= set(
        fit.parts
    )


def test_fp16_goes_on_with_its_scale():
    """The gradient scaler is a part like any other."""
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    fresh = torch.amp.GradScaler("cpu")
    fresh.load_state_dict(scaler.state_dict())
    assert fresh.state_dict() == scaler.state_dict()
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)], precision="fp16")
    expected = stored(begin(name="whole", precision="fp16"))
    assert stored(go_on()) == expected


def test_an_optimizer_state_keeps_its_dtype():
    """Torch would round a float32 state to the dtype of a bf16 parameter."""
    parameter = nn.Parameter(torch.ones(3, dtype=torch.bfloat16))
    optimizer = torch.optim.AdamW([parameter])
    optimizer.state[parameter] = {
        "step": torch.tensor(4.0), "exp_avg": torch.full((3,), 1 / 3), "exp_avg_sq": torch.ones(3)
    }  # fmt: skip
    part = OptimizerState(optimizer, zoo.parallel.SingleDevice(torch.device("cpu")))
    state = part.state_dict()
    fresh = torch.optim.AdamW([nn.Parameter(torch.ones(3, dtype=torch.bfloat16))])
    OptimizerState(fresh, zoo.parallel.SingleDevice(torch.device("cpu"))).load_state_dict(state)
    (found,) = fresh.state.values()
    assert found["exp_avg"].dtype == torch.float32
    assert torch.equal(found["exp_avg"], torch.full((3,), 1 / 3))


class Stubborn(torch.optim.lr_scheduler.LambdaLR):
    """A scheduler whose state is a function."""

    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, lambda step: 1.0)

    def state_dict(self):
        return {"shape": lambda: None}


def test_a_part_that_can_not_be_stored_is_refused_before_the_first_step(monkeypatch):
    """By its name, rather than at the first checkpoint."""
    monkeypatch.setattr("zoo.training._prepare._build_scheduler", lambda r, e, o, s: Stubborn(o, s))
    with pytest.raises(InvalidOption, match="the scheduler can't be stored.* shape is a function"):
        begin()
    assert zoo.list_runs() == []


PLUGIN = """
from zoo_registry import hookimpl

seen = []

@hookimpl
def zoo_epoch_ended(run, epoch, metrics):
    seen.append(epoch)

@hookimpl
def zoo_state(run):
    return {"seen": list(seen)}

@hookimpl
def zoo_restore(run, state):
    seen[:] = [*state["seen"], "restored"]
"""


def test_a_plugin_keeps_what_it_needs(monkeypatch, write_package):
    """What `zoo_state` returned comes back through `zoo_restore`."""
    module = importlib.import_module(write_package(PLUGIN))
    found = discover(None)
    plugin = Plugin("log", module.__name__, "log-zoo", "1.0")
    found.life.adopt(plugin, module)
    assert plugin.faults == []
    monkeypatch.setattr("zoo.api.registry", lambda: Registry(found))
    with pytest.raises(Killed):
        begin([after(7, kill, training=True)])
    assert module.seen == [1]
    module.seen.clear()
    go_on()
    assert module.seen == [1, "restored", 2, 3]


def test_the_order_of_keys_and_names_does_not_matter():
    """A JSON line is what the history is made of: it is cut to what the checkpoint knew."""
    with pytest.raises(Killed):
        begin([after(10, kill, training=True)])
    run = find_run("killed")
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"epoch": 3, "half": "a line that a kill"}))
    assert [row["epoch"] for row in go_on().history] == [1, 2, 3]


def test_bystanders_keep_nothing():
    """What other ranks are given goes nowhere."""
    keeper = Bystander()
    keeper.checkpoint(1, {}, {}, ended=False)
    keeper.poll()
    assert keeper.write_json("x.json", {}) == "x.json of rank 0's run"
    assert not Interrupt()
