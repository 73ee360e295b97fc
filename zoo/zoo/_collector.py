"""Python's collector of cyclic garbage, kept from looking where there is none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Let the block make tens of thousands of objects that all stay.

    The collector would look through all of them again and again, for longer than making them takes.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def keep_to_the_end(*objects: object) -> None:
    """Have objects left alone when the process ends, which is soon.

    Python would look through all of them and then take them apart one by one. What refers to
    itself and is frozen is neither collected nor counted down to nothing.
    """
    kept: list[object] = [*objects]
    kept.append(kept)
    gc.freeze()
