"""Recipes: layers of settings, checks before anything is imported, TOML there and back."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
import zoo_registry
from zoo._registry import registry
from zoo.data import DataFacts, InputSpec
from zoo.errors import DatasetUnavailable, InvalidData, InvalidOption, UnknownName, UsageError
from zoo.recipe import Recipe, check_key, complete, make_plans, parse_setting, read_recipe
from zoo.recipe._plan import merge

PLUGIN = """
    from zoo_registry import DatasetSpec, ModelSpec, hookimpl

    @hookimpl
    def zoo_models():
        return [
            ModelSpec(
                name="net",
                build="{name}.nets:Net",
                datasets=("far", "near"),
                recipe={{"epochs": 7, "optimizer": "sgd", "lr": 0.5, "optimizer.momentum": 0.9,
                         "model.width": 3}},
                recipes={{"near": {{"epochs": 9}}}},
            ),
            ModelSpec(name="lost", build="{name}.nets:Net", datasets=("nowhere",)),
            ModelSpec(name="free", build="{name}.nets:Net"),
        ]

    @hookimpl
    def zoo_datasets():
        return [
            DatasetSpec(name="far", build="{name}.data:far", files=("far.bin",), urls={urls}),
            DatasetSpec(name="near", build="{name}.data:far"),
            DatasetSpec(name="own", build="{name}.data:own"),
        ]
"""
NETS = "class Net:\n    def __init__(self, width: int = 4, num_classes: int = 10) -> None: ...\n"
DATA = "def far(root): ...\ndef own(root, path: str, size: int = 3): ...\n"


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """A registry with a plugin of models and datasets beside the first-party ones."""

    def install(urls: str = "()") -> zoo_registry.Registry:
        folder = tmp_path / "site"
        (folder / "acme_pkg").mkdir(parents=True)
        (folder / "acme_pkg" / "__init__.py").write_text("")
        (folder / "acme_pkg" / "plugin.py").write_text(
            "\n".join(line[4:] for line in PLUGIN.format(name="acme_pkg", urls=urls).splitlines())
        )
        (folder / "acme_pkg" / "nets.py").write_text(NETS)
        (folder / "acme_pkg" / "data.py").write_text(DATA)
        info = folder / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[zoo]\nacme = acme_pkg.plugin\n")
        monkeypatch.syspath_prepend(folder)
        # Another test's acme_pkg may still be imported.
        for name in ("acme_pkg", "acme_pkg.plugin"):
            monkeypatch.delitem(__import__("sys").modules, name, raising=False)
        return zoo_registry.load()

    return install


def plan(registry, **asked):
    return make_plans({"model": "net", "dataset": "near", **asked}, registry)[0]


class TestLayers:
    """Defaults, then the author, then the author on this dataset, then the file, then the user."""

    def test_the_author_overrules_defaults_and_the_user_the_author(self, acme):
        registry = acme()
        settings = plan(registry).settings
        assert (settings["epochs"], settings["lr"], settings["batch_size"]) == (9, 0.5, 128)
        assert settings["optimizer.momentum"] == 0.9
        assert plan(registry, epochs=2).settings["epochs"] == 2
        assert plan(registry, dataset="far").settings["epochs"] == 7

    def test_another_optimizer_leaves_the_authors_options_and_rate_behind(self, acme):
        settings = plan(acme(), optimizer="adam").settings
        assert "optimizer.momentum" not in settings
        assert settings["lr"] == 1e-3
        assert settings["optimizer"] == "optim/adam"

    def test_the_same_optimizer_by_its_qualified_name_keeps_them(self, acme):
        settings = plan(acme(), optimizer="optim/sgd").settings
        assert (settings["lr"], settings["optimizer.momentum"]) == (0.5, 0.9)

    def test_an_option_alone_changes_just_that(self, acme):
        settings = plan(acme(), **{"optimizer.momentum": 0.1}).settings
        assert (settings["lr"], settings["optimizer.momentum"]) == (0.5, 0.1)

    def test_a_file_lies_under_the_flags(self, acme, tmp_path):
        path = tmp_path / "my.toml"
        path.write_text(
            'model = "net"\ndataset = "near"\nepochs = 4\nseed = 5\n[options.model]\nwidth = 8\n'
        )
        settings = make_plans({"model": str(path), "seed": 6}, acme())[0].settings
        assert (settings["epochs"], settings["seed"], settings["model.width"]) == (4, 6, 8)

    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["lr", "epochs", "optimizer.a", "loss.b", "optimizer", "loss"]),
                st.integers(0, 3),
            ),
            max_size=4,
        )
    )
    def test_the_last_layer_always_has_its_way(self, layers):
        merged = merge(*layers)
        assert not layers or merged.items() >= layers[-1].items()


class TestChecks:
    """What is mistyped is answered with what was meant."""

    @pytest.mark.parametrize(
        ("asked", "text"),
        [
            ({"model": "nett"}, "no model named 'nett'; closest: net"),
            ({"optimizer": "admw"}, "no optimizer named 'admw'; closest: adamw"),
            ({"model.widht": 3}, "did you mean 'width'"),
            ({"model.width": "abc"}, "model.width must be an int"),
            ({"optimizer.momentum": "fast"}, "optimizer.momentum"),
            ({"epochs": 0}, "epochs: expected int >= 1, not 0"),
            ({"lr": -1.0}, "lr: expected float > 0"),
            ({"epochs": "many"}, "epochs: expected int"),
            ({"epoch": 3}, "no key 'epoch'; did you mean epochs?"),
            ({"modle.width": 3}, r"did you mean model\.width"),
            ({"dataset": "near:there"}, "takes no path"),
            ({"dataset": "own"}, "needs a path: --dataset own:PATH"),
            ({"dataset": "own:x", "dataset.size": "big"}, "dataset.size must be an int"),
            ({"scheduler": "cosine", "scheduler.cycles": 2}, "no option .cycles.*warmup_fraction"),
        ],
    )
    def test_the_answer_names_the_mistake(self, acme, asked, text):
        with pytest.raises(UsageError, match=text):
            plan(acme(), **asked)

    @pytest.mark.parametrize(("name", "kind"), [("photos", "folder"), ("table.npz", "npz")])
    def test_a_path_without_its_kind_is_understood(self, acme, tmp_path, monkeypatch, name, kind):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UnknownName, match=f"write --dataset {kind}:{name}"):
            plan(acme(), dataset=name)

    @pytest.mark.parametrize("key", ["model", "dataset", "optimizer"])
    def test_a_component_is_a_name(self, acme, key):
        with pytest.raises(InvalidOption, match=f"{key} is a name, not 3"):
            plan(acme(), **{key: 3})

    def test_a_path_becomes_an_absolute_option(self, acme, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        settings = plan(acme(), dataset="own:data/mine").settings
        assert settings["dataset"] == "acme/own"
        assert settings["dataset.path"] == str(tmp_path / "data" / "mine")

    def test_settings_are_toml_or_bare_words(self):
        assert parse_setting("model.hidden=[3, 4]") == ("model.hidden", [3, 4])
        assert parse_setting("lr = 1e-3") == ("lr", 0.001)
        assert parse_setting("model.activation=gelu") == ("model.activation", "gelu")
        assert parse_setting('loss="a=b"') == ("loss", "a=b")
        with pytest.raises(InvalidOption, match="not key=value"):
            parse_setting("epochs")

    @pytest.mark.parametrize("key", ["model.", ".width", "data.x", "", "options"])
    def test_keys_that_are_none(self, key):
        with pytest.raises(InvalidOption, match="no key"):
            check_key(key)

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            ("epochs = ", "is no recipe"),
            ("epohcs = 3", "did you mean epochs"),
            ("options = 3", "must be tables"),
            ("[options]\nmodel = 3", "must be tables"),
            ('model = "object:net"', "repeat it with zoo.train"),
            ("epochs = 3", "names no model"),
            ("\udc80", "is no recipe"),
        ],
    )
    def test_bad_files(self, acme, tmp_path, text, match):
        path = tmp_path / "bad.toml"
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(UsageError, match=match):
            make_plans({"model": str(path)}, acme())

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(InvalidData, match="no recipe file"):
            read_recipe(tmp_path / "none.toml")


class TestDatasets:
    """The first that is here, or can be had; where it is another, one line says why."""

    def test_the_first_where_its_files_are(self, acme, tmp_path):
        (tmp_path / "far.bin").touch()
        plans = make_plans({"model": "net"}, acme(), tmp_path)
        assert plans[0].settings["dataset"] == "acme/far"
        assert plans[0].note == ""

    def test_the_next_where_they_are_not(self, acme, tmp_path):
        found = make_plans({"model": "net"}, acme(), tmp_path)
        assert [plan.settings["dataset"] for plan in found] == ["acme/near"]
        assert "training on near: far is not in" in found[0].note
        assert found[0].settings["epochs"] == 9

    def test_none_at_all_says_what_to_do(self, acme):
        registry = acme()
        with pytest.raises(DatasetUnavailable, match="nowhere is offered by no.*--data-dir"):
            make_plans({"model": "lost"}, registry)
        with pytest.raises(UsageError, match="choose one with --dataset"):
            make_plans({"model": "free"}, registry)

    def test_one_that_is_named_is_never_replaced(self, acme, tmp_path):
        registry = acme()
        found = make_plans({"model": "net", "dataset": "far"}, registry, tmp_path)
        assert [plan.settings["dataset"] for plan in found] == ["acme/far"]
        with pytest.raises(UnknownName):
            make_plans({"model": "net", "dataset": "fra"}, registry, tmp_path)


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        if self.path == "/stall":
            self.server.stalled.wait(20)
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """A real HTTP server on this machine."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.stalled = threading.Event()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.stalled.set()
    running.shutdown()
    running.server_close()
    thread.join()


STRANGER = """
from zoo_registry import DatasetSpec, LossSpec, OptimizerSpec, SchedulerSpec, hookimpl

@hookimpl
def zoo_optimizers():
    return [OptimizerSpec(name=n, build="no:where") for n in ("adamw", "sgd")]

@hookimpl
def zoo_losses():
    return [LossSpec(name="cross-entropy", build="no:where")]

@hookimpl
def zoo_schedulers():
    return [SchedulerSpec(name=n, build="no:where") for n in ("constant", "one-cycle")]

@hookimpl
def zoo_datasets():
    return [DatasetSpec(name=n, build="no:where") for n in ("mnist", "digits")]
"""


def test_a_strangers_names_change_no_models_recipe(tmp_path, monkeypatch):
    """A plugin that offers adamw, constant and digits too disturbs nobody's training."""
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nstranger = stranger_plugin\n")
    (tmp_path / "stranger_plugin.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(tmp_path)
    registry = zoo_registry.load()
    assert any(entry.name == "stranger/adamw" for entry in registry.entries)
    plans = make_plans({"model": "mnist-cnn"}, registry, tmp_path)
    assert [plan.settings["dataset"] for plan in plans] == ["vision/digits"]
    assert plans[0].settings["optimizer"] == "optim/adamw"
    recipe, _ = complete(plans[0], FACTS, RESOLVED, registry)
    assert recipe.loss == "optim/cross-entropy"
    with pytest.raises(UsageError, match="several plugins"):
        make_plans({"model": "mnist-cnn", "optimizer": "adamw"}, registry, tmp_path)


class TestNetwork:
    """Finding out about the network is quick, and right."""

    @pytest.fixture(autouse=True)
    def _online(self, monkeypatch):
        monkeypatch.delenv("ZOO_OFFLINE")

    def test_an_address_that_answers(self, server):
        assert not zoo.why_unreachable((f"{server}/file",))

    def test_one_mirror_of_several_is_enough(self, server):
        assert not zoo.why_unreachable((f"{server}/gone", f"{server}/file"))

    def test_refused_and_gone_are_answered_at_once(self, server):
        cause = zoo.why_unreachable(("http://127.0.0.1:9/x", f"{server}/gone"), seconds=60)
        assert cause
        assert "no answer" not in cause

    def test_a_server_that_stalls_costs_the_limit_and_no_more(self, server):
        assert zoo.why_unreachable((f"{server}/stall",), seconds=0.3) == "no answer within 0.3 s"

    def test_offline_asks_nobody(self, server, monkeypatch):
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        assert zoo.why_unreachable((f"{server}/file",)) == "ZOO_OFFLINE is set"

    def test_a_dataset_that_can_be_fetched_is_chosen(self, acme, server, tmp_path):
        found = make_plans({"model": "net"}, acme(urls=f"('{server}/file',)"), tmp_path)
        assert [plan.settings["dataset"] for plan in found] == ["acme/far", "acme/near"]


RESOLVED = {"device": "cpu", "parallel": "none", "ranks": 1, "workers": 0}
FACTS = DataFacts(
    task="classification",
    input=InputSpec(shape=(3, 8, 8), dtype="uint8"),
    num_classes=4,
    classes=(),
    num_train=10,
    num_test=5,
    fingerprint="",
)


class TestCompletion:
    """What only the data can tell."""

    def test_sizes_are_filled_and_the_loss_and_metric_chosen(self, acme):
        registry = acme()
        recipe, entries = complete(plan(registry), FACTS, RESOLVED, registry)
        assert recipe.options["model"] == {"width": 3, "num_classes": 4}
        assert (recipe.loss, recipe.monitor) == ("optim/cross-entropy", "accuracy:max")
        assert set(entries) == {"model", "dataset", "optimizer", "scheduler", "loss"}

    def test_a_size_the_user_set_is_kept(self, acme):
        registry = acme()
        asked = plan(registry, **{"model.num_classes": 7})
        recipe, _ = complete(asked, FACTS, RESOLVED, registry)
        assert recipe.options["model"]["num_classes"] == 7

    @pytest.mark.parametrize(
        ("asked", "monitor"),
        [("loss", "loss:min"), ("accuracy:min", "accuracy:min"), (None, "accuracy:max")],
    )
    def test_metric_and_direction_are_in_the_recipe(self, acme, asked, monitor):
        registry = acme()
        settings = {} if asked is None else {"monitor": asked}
        assert complete(plan(registry, **settings), FACTS, RESOLVED, registry)[0].monitor == monitor

    @pytest.mark.parametrize("monitor", ["acuracy", "accuracy:up", "train_loss"])
    def test_a_metric_that_is_none(self, acme, monitor):
        registry = acme()
        with pytest.raises(InvalidOption, match="monitor"):
            complete(plan(registry, monitor=monitor), FACTS, RESOLVED, registry)

    def test_without_a_test_split_the_training_metrics_decide(self, acme):
        registry = acme()
        facts = msgspec.structs.replace(FACTS, num_test=0)
        assert (
            complete(plan(registry), facts, RESOLVED, registry)[0].monitor == "train_accuracy:max"
        )

    def test_a_loss_for_another_task(self, acme):
        registry = acme()
        with pytest.raises(InvalidOption, match="loss for regression.*cross-entropy"):
            complete(plan(registry, loss="mse"), FACTS, RESOLVED, registry)

    def test_options_of_a_loss_nobody_named_are_checked(self, acme):
        registry = acme()
        with pytest.raises(InvalidOption, match="label_smoothing"):
            complete(plan(registry, **{"loss.label_smothing": 0.1}), FACTS, RESOLVED, registry)


def test_a_recipe_is_written_and_read_again(acme, tmp_path):
    """`zoo train recipe.toml` means the same training."""
    registry = acme()
    asked = plan(registry, epochs=3, **{"optimizer.weight_decay": 0.1})
    recipe, _ = complete(asked, FACTS, {**RESOLVED, "workers": 2}, registry)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    again, _ = complete(make_plans({"model": str(path)}, registry)[0], FACTS, RESOLVED, registry)
    assert again == recipe


def test_every_field_of_the_recipe_is_a_key():
    """The fields are data; none is forgotten where keys are checked."""
    fields = [field.name for field in msgspec.structs.fields(Recipe) if field.name != "options"]
    assert [check_key(name) for name in fields] == fields


def test_first_party_recipes_are_sound():
    """Every model's own defaults name things that exist, for each of its datasets."""
    for entry in registry().select(kind="model"):
        for dataset in entry.spec.datasets:
            if not dataset.startswith(("folder", "npz")):
                make_plans({"model": entry.name, "dataset": dataset}, registry())
