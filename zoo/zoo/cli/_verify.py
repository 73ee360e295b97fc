"""`zoo verify`: proofs of what zoo promises, on the user's own model and machine."""

from typing import Any

import click

from zoo._registry import registry
from zoo.home import user_path
from zoo.recipe import make_plans
from zoo_registry import ZooError

from ._main import say
from ._output import data_dir_option, device_option, json_option, print_table
from ._train import settings_of


@click.group("verify")
def verify() -> None:
    """Prove on your own model and machine what zoo promises."""


@verify.command("train")
@click.argument("model", metavar="MODEL|RECIPE.toml")
@click.option("--dataset", metavar="D", help="As for zoo train.")
@click.option("--batch-size", "batch_size", type=int, metavar="N", help="Samples per step.")
@device_option
@data_dir_option
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any other setting.")
@json_option
def train(
    model: str, data_dir: str | None, sets: tuple[str, ...], *, as_json: bool, **flags: Any
) -> None:
    """Try whether MODEL has the same gradients however a batch is computed."""
    settings = settings_of({"model": model, **flags}, sets)
    root = None if data_dir is None else user_path(data_dir)
    make_plans(settings, registry(), root)  # what was mistyped is said before torch is imported
    from zoo.reporting import print_json
    from zoo.verify import prove_training

    proofs = list(prove_training(settings, root, say))
    rows = [
        {
            "name": proof.name,
            "tolerance": proof.tolerance,
            "difference": proof.difference,
            "verdict": proof.verdict,
        }
        for proof in proofs
    ]
    if as_json:
        print_json(rows, indent=2)
    else:
        print_table([_cells(row) for row in rows], ["PROOF", "TOLERANCE", "FOUND", "VERDICT"])
    if failed := [proof.name for proof in proofs if not proof.holds]:
        raise ZooError(
            f"{len(failed)} of {len(proofs)} did not hold: {'; '.join(failed)}. A model whose "
            "outputs for one sample depend on the others in its batch can't be computed in parts"
        )


def _cells(row: dict[str, Any]) -> list[str]:
    found = row["difference"]
    shown = "" if found is None else f"{found:.1e}"
    return [row["name"], f"{row['tolerance']:.0e}", shown, row["verdict"]]
