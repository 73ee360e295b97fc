"""`zoo verify`: proofs of what zoo promises, on the user's own model and machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import recipe
from zoo._registry import registry
from zoo.home import user_path
from zoo.reporting import print_json
from zoo_registry import ZooError

from ._completion import component, setting
from ._completion import dataset as dataset_name
from ._main import say
from ._output import data_dir_option, device_option, json_option, print_table, results
from ._subcommands import Group
from ._train import settings_of

if TYPE_CHECKING:
    from zoo.verify import Proof  # imports torch

_APART = """
Differences are relative to the largest value. What is no fault of a way to run is kept out of them:
gradients are compared in float32, without dropout, and in parts with the running statistics of
batch norms, for those of a part are not those of the batch."""


@click.group("verify", cls=Group)
def verify() -> None:
    """Prove on your own model and machine what zoo promises."""


def _subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is tried."""
    for option in (
        json_option,
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="KEY=VALUE",
            shell_complete=setting(),
            help="Any other setting.",
        ),
        data_dir_option,
        device_option,
        click.option("--batch-size", "batch_size", type=int, metavar="N", help="Samples per step."),
        click.option(
            "--dataset", metavar="D", shell_complete=dataset_name, help="As for zoo train."
        ),
        click.argument(
            "model",
            metavar="MODEL|RECIPE.toml",
            shell_complete=component("model", files=(".toml",)),
        ),
    ):
        command = option(command)
    return command


@verify.command("train")
@_subject_options
def train(
    model: str, data_dir: str | None, sets: tuple[str, ...], *, as_json: bool, **flags: Any
) -> None:
    """Try whether MODEL learns the same however its batches are computed."""
    settings, root = _subject(model, data_dir, sets, flags)
    from zoo.verify import prove_training

    with results(as_json=as_json):
        proofs = list(prove_training(settings, root, say))
    _show(proofs, as_json=as_json)
    if not as_json:
        click.echo(_APART)
    _require_all(
        proofs,
        "A model or a loss that makes one sample's result depend on the others of its batch can't "
        "be computed in parts; one that draws from a generator of its own does not repeat itself",
    )


@verify.command("resume")
@_subject_options
@click.option("--kills", default=10, metavar="N", help="In all; each is followed by a resume.")
@click.option("--seed", default=0, metavar="N", help="Of the moments at which kills come.")
def resume(
    model: str,
    data_dir: str | None,
    sets: tuple[str, ...],
    *,
    as_json: bool,
    kills: int,
    seed: int,
    **flags: Any,
) -> None:
    """Kill trainings of MODEL at random, resume them, and compare with one never stopped."""
    settings, root = _subject(model, data_dir, sets, flags)
    from zoo.verify import prove_resume

    with results(as_json=as_json):
        proofs = list(prove_resume(settings, root, say, kills=kills, seed=seed))
    _show(proofs, as_json=as_json)
    _require_all(proofs, "A part that keeps something out of its state_dict can't be resumed")


def _subject(
    model: str, data_dir: str | None, sets: tuple[str, ...], flags: dict[str, Any]
) -> tuple[dict[str, Any], Path | None]:
    """Return settings and the folder of the data; what was mistyped is said before torch comes."""
    settings = settings_of({"model": model, **flags}, sets)
    root = None if data_dir is None else user_path(data_dir)
    recipe.make_plans(settings, registry(), root)
    return settings, root


def _show(proofs: Sequence["Proof"], *, as_json: bool) -> None:
    if as_json:
        print_json([_row(proof) for proof in proofs], indent=2)
    else:
        print_table(list(map(_cells, proofs)), ["PROOF", "TOLERANCE", "FOUND", "VERDICT"])


def _row(proof: "Proof") -> dict[str, Any]:
    return {
        "name": proof.name,
        "tolerance": proof.tolerance,
        "difference": proof.difference,
        "verdict": proof.verdict,
    }


def _cells(proof: "Proof") -> list[str]:
    found = "" if proof.difference is None else f"{proof.difference:.1e}"
    return [proof.name, f"{proof.tolerance:.0e}", found, proof.verdict]


def _require_all(proofs: Sequence["Proof"], why: str) -> None:
    """Raise a ZooError that says what not to use, where a proof failed."""
    failed = [proof for proof in proofs if not proof.holds]
    if not failed:
        return
    settings = ", ".join(dict.fromkeys(proof.setting for proof in failed))
    raise ZooError(
        f"{len(failed)} of {len(proofs)} did not hold; with this model, here, don't rely on: "
        f"{settings}.\n{why}"
    )
