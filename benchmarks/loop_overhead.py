"""What zoo's loop costs: samples/s against a bare loop, on batches that lie in memory.

    python benchmarks/loop_overhead.py [--rounds 7] [--json] [--quick]

An MLP 784-64-10 at batch 32 on made-up samples, with Adam, fused and not. zoo has its metrics and
its progress bar on; the bare loop takes steps and does nothing else.
"""

from collections.abc import Sequence

from side_by_side import Comparison, Side, in_child, measure_and_show, options_parser

KINDS = ("fused Adam", "Adam")


def sides(kinds: Sequence[str], num_samples: int, epochs: int) -> list[Side]:
    """Return the bare loop and zoo, with each kind of optimizer."""
    settings = {"num_samples": num_samples, "epochs": 1 + epochs}
    return [
        Side(
            name=f"{name}, {kind}",
            measure=in_child(call, **settings, fused=kind == "fused Adam"),
            settings=settings,
        )
        for kind in kinds
        for name, call in (
            ("bare loop", "sides.bare:random_batches"),
            ("zoo", "sides.zoo_run:random_samples"),
        )
    ]


def main() -> None:
    """Measure, and print a table or JSON."""
    options = options_parser(__doc__, rounds=7).parse_args()
    kinds = KINDS[:1] if options.quick else KINDS
    comparisons = [
        Comparison(
            what=f"loop overhead, {kind}: zoo against a bare loop",
            figure="samples/s",
            ours=f"zoo, {kind}",
            theirs=(f"bare loop, {kind}",),
            goal=0.95,
        )
        for kind in kinds
    ]
    num_samples, epochs = (320, 1) if options.quick else (60_000, 5)
    measure_and_show("loop_overhead", sides(kinds, num_samples, epochs), comparisons, options)


if __name__ == "__main__":
    main()
