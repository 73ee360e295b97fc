"""The recipe: everything that defines a training, validated, written as TOML."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import tomli_w

from zoo_registry import InvalidData, InvalidOption, nearest

PARTS = ("model", "dataset", "optimizer", "scheduler", "loss")
"""The fields that name a component; each may have options of its own."""

AUGMENT = "augment"
"""Has options as a part has, but names no component."""

WITH_OPTIONS = (*PARTS, AUGMENT)
"""What stands before the dot of an option's key."""

OBJECT = "object:"
"""Marks a component given as a Python object: such a recipe can't be repeated from its file."""

Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Compile = Literal["none", "auto", "default", "reduce-overhead", "max-autotune"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that defines a training, resolved: nothing is left to choose."""

    model: str
    """Qualified name."""
    dataset: str
    """Qualified name; the path of a user's own data is its option `path`."""
    loss: str
    optimizer: str
    scheduler: str
    epochs: Count
    batch_size: Count
    """Samples per optimizer step, summed over all devices."""
    lr: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    """The learning rate given to the optimizer; schedulers scale it."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    """Of the initial weights, the order of samples and dropout."""
    device: str
    parallel: Literal["auto", "none", "dp", "ddp", "fsdp"]
    ranks: NotNegative
    """Processes that train together, each on its share of every batch; asked for as 0: one for
    each GPU of this machine."""
    precision: Precision
    """Of activations and matrix products; weights and their updates are in the model's dtype."""
    tf32: bool
    """Whether CUDA may round the inputs of float32 products to 10 bits, where that is faster."""
    compile: Compile
    """The mode of torch.compile; `none` runs the model as it is written."""
    workers: Annotated[int, msgspec.Meta(ge=0, le=1024)]
    """Processes that read items; 0 reads them in the training's own process."""
    cache: Literal["auto", "none"]
    """`auto` decodes files once, into a cache; `none` decodes them whenever they are read."""
    accumulate: Count
    """Parts of a batch whose gradients are computed one after another, for one step."""
    clip_norm: Annotated[float, msgspec.Meta(ge=0)]
    """The norm that all gradients together are clipped to; 0 clips nothing."""
    ema: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    """Decay per step of the averaged weights, which are then measured and stored; 0: none."""
    freeze: tuple[str, ...]
    """Patterns of the names of parameters that are not trained: `stem*`."""
    lr_scale: dict[str, Annotated[float, msgspec.Meta(ge=0)]]
    """Factors of the learning rate by patterns of parameters' names; the last match counts."""
    norm_decay: bool
    """Whether weight decay reaches norms and biases (parameters of one dimension) as well."""
    early_stop: NotNegative
    """Epochs without a better `monitor` after which the training ends; 0: it goes on."""
    checkpoint_steps: NotNegative
    """Steps between two checkpoints within an epoch; 0: none for their number."""
    checkpoint_minutes: Annotated[float, msgspec.Meta(ge=0)]
    """Minutes between two checkpoints within an epoch; 0: none for the time that has passed."""
    keep_checkpoints: Annotated[int, msgspec.Meta(ge=2, le=2**31 - 1)]
    """How many are kept, the newest; two at least, for the newest may turn out damaged."""
    monitor: str
    """Metric and direction that choose the best epoch: `accuracy:max`, `loss:min`."""
    weights: str = ""
    """What training starts from: a run's name, or the path of a weights file; empty: what the
    model's author initializes it with."""
    weights_sha256: str = ""
    """Digest of the file behind `weights`: others are not trained from."""
    reset_head: bool = False
    """Whether a head for another number of classes than the data's stays as it is initialized."""
    options: dict[str, dict[str, Any]] = {}
    """Options of each part: `{"model": {"width": 64}}`; on the command line `model.width=64`."""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as TOML or JSON would hold it."""
        fields: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        options = fields.pop("options")
        if not self.weights:  # most trainings start from none
            fields = {k: v for k, v in fields.items() if k not in STARTS}
        return {**fields, "options": _without_none(options)} if any(options.values()) else fields

    def to_toml(self) -> str:
        """Write the recipe as TOML, which `zoo train recipe.toml` does again."""
        return tomli_w.dumps(self.to_dict())


STARTS = ("weights", "weights_sha256", "reset_head")
"""The fields that say what a training starts from."""

FIELDS = Recipe.__struct_fields__[:-1]
"""A recipe's own fields, which are also keys for `--set`."""


def check_field(name: str, value: Any) -> Any:
    """Check one of a recipe's own fields.

    Raises:
        InvalidOption: a value of the wrong type or out of range.
    """
    kind = next(field.type for field in msgspec.structs.fields(Recipe) if field.name == name)
    if get_origin(kind) is Literal and value not in (choices := get_args(kind)):
        close = nearest(str(value), choices)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InvalidOption(f"{name} is one of {', '.join(choices)}, not {value!r}{hint}")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason = str(error).replace("`", "")
        raise InvalidOption(f"{name}: {reason[0].lower()}{reason[1:]}, not {value!r}") from error


def check_key(key: str) -> str:
    """Check that `key` is a field, or an option of a part.

    Raises:
        InvalidOption: it is neither; the text names the nearest.
    """
    part, dot, option = key.partition(".")
    if key in FIELDS or (dot and option and part in WITH_OPTIONS):
        return key
    close = nearest(part if dot else key, [*FIELDS, *(WITH_OPTIONS if dot else ())])
    known = f"Keys: {', '.join(FIELDS)}; options: {'.*, '.join(WITH_OPTIONS)}.*"
    hint = f"; did you mean {close[0]}{dot}{option}?" if close else "."
    raise InvalidOption(f"a recipe has no key {key!r}{hint} {known}")


def read_recipe(path: Path, overruled: Collection[str] = ()) -> dict[str, Any]:
    """Read a recipe file, whole or partial, into flat settings with dotted keys.

    Args:
        path: of the file.
        overruled: keys whose values the user gives anew.

    Raises:
        InvalidData: no such file, no TOML, or a recipe of Python objects.
        InvalidOption: an unknown key.
    """
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidData(f"there is no recipe file {path}") from error
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise InvalidData(f"{path} is no recipe: {error}") from error
    options = fields.get("options", {})
    if not isinstance(options, dict) or not all(isinstance(v, dict) for v in options.values()):
        raise InvalidData(f"{path}: options must be tables, one per part: [options.model]")
    settings = {check_key(key): value for key, value in flat_settings(fields).items()}
    for key in (*PARTS, f"{AUGMENT}.transform"):
        if str(settings.get(key, "")).startswith(OBJECT) and key not in overruled:
            raise InvalidData(
                f"{path} was written by a training of Python objects ({key} = "
                f"{settings[key]!r}); repeat it with zoo.train and those objects"
            )
    return settings


def flat_settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe as TOML holds it as flat settings with dotted keys."""
    options = fields.get("options", {})
    dotted = {f"{part}.{name}": v for part, table in options.items() for name, v in table.items()}
    return {key: value for key, value in fields.items() if key != "options"} | dotted


def parse_setting(text: str, check: Callable[[str], str] = check_key) -> tuple[str, Any]:
    """Parse `key=value` with a TOML value; a bare word is taken for a string.

    Args:
        text: what was typed.
        check: raises where there is no such key, else returns it.

    Raises:
        InvalidOption: no `=`, or an unknown key.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidOption(f"{text!r} is not key=value")
    key = check(key.strip())
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()


def _without_none(options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    # TOML has no null: an option left at None is left out, and its default is None.
    return {
        part: {name: value for name, value in values.items() if value is not None}
        for part, values in options.items()
        if values
    }
