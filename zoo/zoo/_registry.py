"""The registry of this process, loaded once, at first use."""

import binascii
import functools
import sys
from pathlib import Path

import zoo_registry

from ._collector import no_collection


@functools.cache
def registry() -> zoo_registry.Registry:
    """Return the installed plugins' registry."""
    with no_collection():
        return zoo_registry.load(store=IndexFile())


class IndexFile:
    """The index of what plugins offer, `<home>/cache/plugins-<environment>.json`.

    Without a home, or where it can't be read or written, there is none.
    """

    def read(self) -> bytes:
        """Return what was written last; nothing where there is none."""
        try:
            return self._path().read_bytes()
        except (zoo_registry.ZooError, OSError):
            return b""

    def write(self, text: bytes) -> None:
        """Keep `text`, whole or not at all."""
        # Imported here: it is seldom written.
        from ._files import write_text
        from .home import make_folder

        try:
            path = self._path()
            make_folder(path.parent)
            write_text(path, text.decode())
        except (zoo_registry.ZooError, OSError):
            return  # the next start imports the plugins again

    def _path(self) -> Path:
        from .home import home

        environment = binascii.crc32(f"{sys.prefix} {sys.version}".encode())
        return home() / "cache" / f"plugins-{environment:08x}.json"
