"""Names of a new package and of what is in it, checked before anything is written."""

import keyword
import re
import sys
from dataclasses import dataclass

from zoo_registry import UsageError

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*([-_.]+[a-z0-9]+)*", re.IGNORECASE)
_SPEC = re.compile(r"[a-z][a-z0-9]*([._-]+[a-z0-9]+)*")
_TAKEN = {"zoo", "zoo_registry", "torch", "torchvision", "numpy", "tests"}


@dataclass(frozen=True)
class PackageName:
    """What a package is called by pip, by Python and by zoo."""

    distribution: str
    """`acme-zoo`, what `pip install` takes."""
    package: str
    """`acme_zoo`, what `import` takes."""
    plugin: str
    """`acme`, what qualifies the names of what it offers."""


def read_name(text: str) -> PackageName:
    """Take a distribution's name apart: `acme-zoo`, `zoo-acme` and `acme` are of the plugin `acme`.

    Raises:
        UsageError: pip, Python or zoo could not use it; the text says what is allowed.
    """
    if not _DISTRIBUTION.fullmatch(text):
        raise UsageError(
            f"{text!r} is no name for a package; take letters, digits and dashes, beginning with "
            "a letter: acme-zoo"
        )
    distribution = re.sub(r"[-_.]+", "-", text).lower()
    package = distribution.replace("-", "_")
    if package in _TAKEN or package in sys.stdlib_module_names or keyword.iskeyword(package):
        raise UsageError(f"{package} is taken already, as a module's name; try {distribution}-zoo")
    plugin = distribution.removeprefix("zoo-").removesuffix("-zoo")
    return PackageName(distribution, package, plugin)


def check_spec_name(name: str) -> str:
    """Return the name of a model, a dataset or an optimizer, if it can be one.

    Raises:
        UsageError: it can't, or Python code can't be named after it.
    """
    if not _SPEC.fullmatch(name) or keyword.iskeyword(variable(name)):
        raise UsageError(
            f"{name!r} is no name for a model, a dataset or an optimizer; take lower-case letters, "
            "digits and dashes, beginning with a letter: tiny-net"
        )
    return name


def check_author(name: str) -> str:
    """Return a name that can be written into a licence and a `pyproject.toml`.

    Raises:
        UsageError: it can't.
    """
    if not name.strip() or not name.isprintable() or set('"\\{}') & set(name):
        raise UsageError(f"{name!r} is no author's name; write it without quotes and braces")
    return name.strip()


def variable(name: str) -> str:
    """Return the name of a function for a spec: `two-moons` is `two_moons`."""
    return re.sub(r"[._-]+", "_", name)


def class_name(name: str) -> str:
    """Return the name of a class for a spec: `tiny-net` is `TinyNet`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[._-]+", name))
