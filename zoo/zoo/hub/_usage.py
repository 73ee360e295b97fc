"""What a card says of using the model: lines to copy, with zoo and without."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions
from typing import Any

from zoo_registry import resolve

from .._provenance import is_installable
from ._config import is_timms
from ._manifest import WEIGHTS
from ._markdown import code, fenced, plain
from ._paths import without_paths
from ._place import DEFAULT, SIGN, Place
from ._subject import Subject

_HOME = "zoo-registry"
"""The distribution that zoo itself comes in."""
_LONGEST = 5000
"""Characters of a call that is shown."""
_OWN = "net = ...  # your own module, built as it was trained"

_ANOTHERS = "net = ...  # the plugin's module, built with the options below"


def usage(subject: Subject, place: Place) -> Iterator[str]:
    """Yield the paragraphs."""
    yield from _installing(subject)
    yield from _with_zoo(subject, place)
    if is_timms(subject):
        yield "With timm alone:"
        call = f'timm.create_model("hf_hub:{place}", pretrained=True)'
        yield fenced(f"import timm\n\nnet = {call}.eval()", "python")
    yield from _with_torch(subject, place)
    yield _in_and_out(subject)


def _installing(subject: Subject) -> Iterator[str]:
    wanted, version = _distribution(subject)
    if not is_installable(wanted, version):
        return
    yield fenced(f"$ pip install {_requirement(subject, wanted, version)}", "console")
    if _is_local(version):
        yield (
            f"It was trained with {plain(f'{wanted} {version}')}, a version that is on no index: "
            "the one that this line installs may build another model."
        )


def _distribution(subject: Subject) -> tuple[str, str]:
    """Return the distribution that loads the model, and its version."""
    if subject.is_own_module:
        return _HOME, str(subject.run.record.get("zoo_version", ""))
    return str(subject.card.get("distribution", "")), str(subject.card.get("version", ""))


def _requirement(subject: Subject, distribution: str, version: str) -> str:
    """Return what to install, as a shell takes it."""
    pinned = "" if _is_local(version) else f"=={version}"
    extra = str(subject.card.get("plugin", ""))
    if extra in _extras(distribution):
        return f"'{distribution}[{extra}]{pinned}'"
    own = "" if distribution == _HOME else f" {_HOME}"
    return f"{distribution}{pinned}{own}"


def _extras(distribution: str) -> list[str]:
    try:
        return list(metadata(distribution).get_all("Provides-Extra") or ())
    except PackageNotFoundError:
        return []


def _is_local(version: str) -> bool:
    """Say whether no index takes this version: it names a state of somebody's working copy."""
    return "+" in version


def _with_zoo(subject: Subject, place: Place) -> Iterator[str]:
    if subject.is_own_module:
        yield "With zoo, the module built by yourself:"
        load = f'zoo.load_weights(net, zoo.pull("{place}").weights)'
        yield fenced(f"import zoo\n\n{_OWN}\n{load}", "python")
        return
    yield "With zoo:"
    yield fenced(f'import zoo\n\nnet = zoo.load_model("{SIGN}{place}")', "python")
    if given := subject.card.get("input"):
        is_photo = len(given["shape"]) == 3 and given["dtype"] == "uint8"
        sample = "image.png" if is_photo and given["shape"][0] in (1, 3) else "samples.npz"
        yield fenced(f"$ zoo predict {SIGN}{place} {sample}", "console")


def _with_torch(subject: Subject, place: Place) -> Iterator[str]:
    built, needs = _built(subject)
    revision = "" if place.revision == DEFAULT else f', revision="{place.revision}"'
    file = f'hf_hub_download("{place.repo}", "{WEIGHTS}"{revision})'
    yield f"With plain torch{needs}:"
    yield fenced(
        "from huggingface_hub import hf_hub_download\nfrom safetensors.torch import load_model\n"
        f"{built}\nload_model(net, {file})\nnet.eval()",
        "python",
    )


def _built(subject: Subject) -> tuple[str, str]:
    """Return the lines of Python that build the model without zoo, and what they need besides."""
    spec = subject.spec
    if call := _plain_call(subject):
        library = call.partition(".")[0]
        names = packages_distributions().get(library, [library])
        needed = f" (`pip install {names[0]} safetensors huggingface_hub`)"
        return f"import {library}\n\nnet = {call}", needed
    module, _, name = spec.address.partition(":") if spec else ("", "", "")
    dotted = all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
    if spec is None or not dotted:
        return f"\n{_OWN if subject.is_own_module else _ANOTHERS}", ""
    arguments = without_paths({**spec.arguments, **subject.options})
    call = f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    if len(call) > _LONGEST:
        call = f"{name}(...)  # with the options that config.json has"
    source = f", and the class from {plain(_distribution(subject)[0])}"
    return f"from {module} import {name.partition('.')[0]}\n\nnet = {call}", source


def _plain_call(subject: Subject) -> str:
    """Return the call that builds the model by the library that it comes from; empty: none."""
    spec = subject.spec
    if spec is None or not spec.plain:
        return ""
    try:
        found: Any = resolve(spec.plain)(**spec.arguments, **without_paths(subject.options))
    except Exception:  # noqa: BLE001 - a stranger's, and the card has another line
        return ""
    is_line = (
        isinstance(found, str) and "\n" not in found and found.partition(".")[0].isidentifier()
    )
    return found if is_line else ""


def _in_and_out(subject: Subject) -> str:
    """Say what the module takes and returns, for who calls it without zoo."""
    given, count = subject.card.get("input"), subject.card["num_classes"]
    if not given:
        return ""
    shape = ", ".join(("N", *map(str, given["shape"])))
    if given["dtype"] != "uint8":
        takes = f"{code(given['dtype'])}, as the data have them"
    elif given.get("mean"):
        mean, std = (code(str(list(given[name]))) for name in ("mean", "std"))
        takes = f"`float32`: values of 0 to 255 divided by 255, less the mean {mean}, over {std}"
    else:
        takes = "`float32`: values of 0 to 255 divided by 255"
    returns = {
        "classification": "scores of the classes, of which softmax makes probabilities",
        "multilabel": "a score of each label, of which sigmoid makes a probability",
        "regression": "the values",
    }.get(str(subject.card.get("task")), "the outputs")
    return f"The module takes `({shape})` of {takes}. It returns `(N, {count})`: {returns}."
