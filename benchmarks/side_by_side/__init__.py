"""Measures several sides in turn, and says by how much one is ahead of the others."""

from ._compare import Comparison, compare
from ._machine import machine, versions
from ._options import measure_and_show, options_parser, say
from ._process import in_child, timed
from ._show import as_markdown, as_table
from ._side import Side
from ._small_data import mnist_root, write_images, write_mnist

__all__ = [
    "Comparison",
    "Side",
    "as_markdown",
    "as_table",
    "compare",
    "in_child",
    "machine",
    "measure_and_show",
    "mnist_root",
    "options_parser",
    "say",
    "timed",
    "versions",
    "write_images",
    "write_mnist",
]
