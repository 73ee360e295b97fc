"""The recipe: everything that defines a training, validated, written as TOML."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tomli_w

from zoo_registry import InvalidData, InvalidOption, nearest

PARTS = ("model", "dataset", "optimizer", "scheduler", "loss")
"""The fields that name a component; each may have options of its own."""

OBJECT = "object:"
"""Marks a component given as a Python object: such a recipe can't be repeated from its file."""

Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


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
    parallel: str
    workers: Annotated[int, msgspec.Meta(ge=0, le=1024)]
    """Processes that read items; 0 reads them in the training's own process."""
    monitor: str
    """Metric and direction that choose the best epoch: `accuracy:max`, `loss:min`."""
    options: dict[str, dict[str, Any]] = {}
    """Options of each part: `{"model": {"width": 64}}`; on the command line `model.width=64`."""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as TOML or JSON would hold it."""
        fields: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        options = fields.pop("options")
        return {**fields, "options": _without_none(options)} if any(options.values()) else fields

    def to_toml(self) -> str:
        """Write the recipe as TOML, which `zoo train recipe.toml` does again."""
        return tomli_w.dumps(self.to_dict())


FIELDS = Recipe.__struct_fields__[:-1]
"""A recipe's own fields, which are also keys for `--set`."""


def check_field(name: str, value: Any) -> Any:
    """Check one of a recipe's own fields.

    Raises:
        InvalidOption: a value of the wrong type or out of range.
    """
    kind = next(field.type for field in msgspec.structs.fields(Recipe) if field.name == name)
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
    if key in FIELDS or (dot and option and part in PARTS):
        return key
    close = nearest(part if dot else key, [*FIELDS, *(PARTS if dot else ())])
    known = f"Keys: {', '.join(FIELDS)}; options of a part: {'.*, '.join(PARTS)}.*"
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
    options = fields.pop("options", {})
    if not isinstance(options, dict) or not all(isinstance(v, dict) for v in options.values()):
        raise InvalidData(f"{path}: options must be tables, one per part: [options.model]")
    dotted = {f"{part}.{name}": v for part, table in options.items() for name, v in table.items()}
    settings = {check_key(key): value for key, value in (fields | dotted).items()}
    for part in PARTS:
        if str(settings.get(part, "")).startswith(OBJECT) and part not in overruled:
            raise InvalidData(
                f"{path} was written by a training of Python objects ({part} = "
                f"{settings[part]!r}); repeat it with zoo.train and those objects"
            )
    return settings


def parse_setting(text: str) -> tuple[str, Any]:
    """Parse `key=value` with a TOML value; a bare word is taken for a string.

    Raises:
        InvalidOption: no `=`, or an unknown key.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidOption(f"{text!r} is not key=value")
    key = check_key(key.strip())
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
