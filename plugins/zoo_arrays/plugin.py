"""Specs of the plugin `arrays`: datasets from files of arrays."""

from zoo_registry import DatasetSpec, hookimpl


@hookimpl
def zoo_datasets() -> list[DatasetSpec]:
    """Offer `npz:PATH`."""
    return [
        DatasetSpec(
            name="npz",
            build="zoo_arrays.npz:npz",
            task=("classification", "multilabel", "regression"),
            summary="npz:PATH, arrays x_train y_train x_test y_test, or x y",
        )
    ]
