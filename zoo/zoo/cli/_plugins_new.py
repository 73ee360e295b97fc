"""`zoo plugins new`: a plugin package to start from."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from zoo._registry import registry
from zoo.home import user_path
from zoo.reporting import print_json
from zoo.scaffold import (
    Answers,
    PackageName,
    check_author,
    check_spec_name,
    read_name,
    write_package,
)
from zoo_registry import UsageError, ZooError

from ._output import json_option


@click.command("new")
@click.argument("name")
@click.option("--model", metavar="NAME", help="Of its model (default: tiny-net).")
@click.option("--dataset", metavar="NAME", help="Of its dataset (default: two-moons).")
@click.option("--optimizer", metavar="NAME", help="Of its optimizer (default: heavy-ball).")
@click.option("--author", metavar="NAME", help="Whose it is (default: The NAME authors).")
@click.option("--output", metavar="DIR", default=".", help="Where its folder is made.")
@json_option
def new(
    name: str,
    *,
    model: str | None,
    dataset: str | None,
    optimizer: str | None,
    author: str | None,
    output: str,
    as_json: bool,
) -> None:
    """Write a plugin package NAME: a model, a dataset, an optimizer, tests and all else it needs.

    On a terminal it asks for what no flag says.
    """
    asks = sys.stdin.isatty() and not as_json
    package = read_name(name)
    _require_free(package)
    folder = user_path(output) / package.distribution
    if folder.exists():  # said before questions are asked
        raise UsageError(f"{folder} exists already; choose another name, or --output DIR")
    answers = Answers(
        name=package,
        model=_answer("model", model, "tiny-net", check_spec_name, asks=asks),
        dataset=_answer("dataset", dataset, "two-moons", check_spec_name, asks=asks),
        optimizer=_answer("optimizer", optimizer, "heavy-ball", check_spec_name, asks=asks),
        author=_answer(
            "author", author, f"The {package.distribution} authors", check_author, asks=asks
        ),
    )
    files = write_package(answers, folder)
    _show(answers, folder, files, as_json=as_json)


def _require_free(package: PackageName) -> None:
    """Refuse the name of a plugin that is installed from elsewhere: both would be refused then."""
    for plugin in registry().plugins:
        if plugin.name == package.plugin and plugin.distribution != package.distribution:
            raise UsageError(
                f"a plugin named {plugin.name!r} is installed already ({plugin.origin}); choose "
                "another name"
            )


def _answer(
    what: str, given: str | None, default: str, check: Callable[[str], str], *, asks: bool
) -> str:
    """Return what a flag said, else what a person answers, else the default."""
    if given is not None:
        return check(given)
    if not asks:
        return default

    def checked(text: str) -> str:
        try:
            return check(text)
        except ZooError as error:
            raise click.UsageError(str(error)) from error  # asked again

    answer: str = click.prompt(what, default=default, value_proc=checked, err=True)
    return answer


def _show(answers: Answers, folder: Path, files: list[str], *, as_json: bool) -> None:
    lines = [
        f"cd {shlex.quote(str(folder))}",
        "pip install -e '.[test]'",
        f"zoo train {answers.name.plugin}/{answers.model}",
        f"zoo plugins check {answers.name.plugin}",
        "pytest",
    ]
    if as_json:
        facts = {"path": str(folder.absolute()), "plugin": answers.name.plugin, "files": files}
        print_json({**facts, "next": lines}, indent=2)
        return
    click.echo(f"{folder} has {len(files)} files. Next:")
    for line in lines:
        click.echo(f"  {line}")
