"""Files are written in one place, atomically, and nothing pickled is ever run."""

import ast
import re

WRITERS = {
    "zoo/zoo/_files.py": "the one that makes every file whole or not at all",
    "zoo/zoo/data/_cache_fill.py": "fills the file that _files puts in its place",
    "zoo/zoo/hub/_stage.py": "copies what is pushed into a folder that is gone afterwards",
    "zoo/zoo/hub/_stream.py": "fills a folder that is put in its place whole, or gone afterwards",
    "zoo/zoo/runs/_metrics.py": "appends a line an epoch to metrics.jsonl, and takes lines back",
    "zoo/zoo/runs/_writer.py": "likewise",
    "zoo/zoo/_weight_digest.py": "writes a digest into the file that _safetensors has filled",
    "zoo/zoo/weights/_safetensors.py": "fills the file that _files puts in its place",
    "zoo/zoo/weights/_torch.py": "likewise",
}
"""The modules of zoo that write, and what for."""

READERS = {
    "zoo/zoo/weights/_safetensors.py": {"load_file"},
    "zoo/zoo/weights/_torch.py": {"torch.load"},
}
"""The one reader of weights in each format: it checks before it reads."""

LOADS = {"torch.load", "load_file", "load_model", "safe_open", "torch.jit.load", "torch.hub.load"}
LOADS |= {"torch.hub.load_state_dict_from_url", "deserialize"}

METHODS = {"write_text", "write_bytes", "touch", "tofile", "save_file", "save_model"}
FUNCTIONS = {
    *("torch.save", "np.save", "np.savez", "np.savez_compressed", "pickle.dump", "json.dump"),
    *("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move"),
    *("tempfile.mkstemp", "tempfile.NamedTemporaryFile", "os.rename", "os.replace", "save_file"),
}


def calls(tree):
    """Each call with the text of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def opens_to_write(call):
    """Whether some argument of an `open` is a mode that writes."""
    given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [part.value for part in given if isinstance(part, ast.Constant)]
    return any(isinstance(m, str) and re.fullmatch(r"[rwaxbt+U]*[wax+][bt+]*", m) for m in modes)


def writes(tree):
    """The calls that write a file."""
    for call, name in calls(tree):
        last = name.rpartition(".")[2]
        wanted = name in FUNCTIONS or (last in METHODS and last != name)
        if wanted or (last == "open" and opens_to_write(call)):
            yield f"{name} in line {call.lineno}"


def test_only_the_writers_write(sources):
    """Whoever opens a file to write by himself leaves half of it behind on a full disk."""
    found = {path: list(writes(tree)) for path, tree in sources.items()}
    strays = {path: where for path, where in found.items() if where and path not in WRITERS}
    assert not {path: where for path, where in strays.items() if path.startswith("zoo/")}
    assert [path for path in WRITERS if not found[path]] == []


def loads(tree):
    """The functions of libraries that read weights, as they are called in a module."""
    names = {name for _, name in calls(tree)}
    return {wanted for wanted in LOADS for name in names if f".{name}".endswith(f".{wanted}")}


def test_only_the_readers_read_weights(sources):
    """Whoever reads by himself takes damaged and hostile files for sound ones."""
    found = {path: names for path, tree in sources.items() if (names := loads(tree))}
    assert found == READERS


def test_what_reads_is_recognised():
    """Under the names that modules import it by."""
    wrong = "torch.load(p); safetensors.torch.load_file(p); load_file(p); safe_open(p, 'pt')"
    assert loads(ast.parse(wrong)) == {"torch.load", "load_file", "safe_open"}
    right = "load_weights(p); json.load(p); torch.loads(p); registry.load(p); read_file(p)"
    assert loads(ast.parse(right)) == set()


def test_what_writes_is_recognised():
    """The search itself finds each way of writing, and no reading."""
    wrong = 'open(p, "w"); p.open("ab"); open(p, mode="x"); p.write_text(""); torch.save(a, b)'
    assert len(list(writes(ast.parse(wrong)))) == 5
    right = 'open(p); p.open("rb"); open(p, "r"); write_text(p, ""); Image.open(p); p.read_text()'
    assert list(writes(ast.parse(right))) == []


def test_nothing_pickled_is_run(sources):
    """`torch.load` always says weights_only=True, in so many words; pickle is not used at all."""
    loads = 0
    for path, tree in sources.items():
        for call, name in calls(tree):
            assert not re.fullmatch(
                r"(pickle|dill|joblib|cloudpickle)\.(load|loads|Unpickler)", name
            )
            if name == "torch.load":
                loads += 1
                safe = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert safe.get("weights_only") == "True", f"{path}:{call.lineno}"
            if name in ("np.load", "numpy.load"):
                told = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert told.get("allow_pickle") == "False", f"{path}:{call.lineno}"
    assert loads, "nothing calls torch.load: look again whether this test still finds it"
