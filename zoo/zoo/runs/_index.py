"""What `zoo runs` remembers of the runs: a table in SQLite, worth nothing but time.

Each row says what a run's files said when they had the stamp that the row has. A row that is
damaged, or whose stamp is not that of the files, counts for nothing: then the files are read. So
the table may be lost, damaged, made by another version, written by several at once or not written
at all, and no answer changes.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ..errors import StorageError
from ._lock import registry_lock

VERSION = 1
"""Of the table and of what is in its rows."""

_NO_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary codes of errors after which the file is as good as before."""


def recall(file: Path, stamps: Mapping[str, bytes]) -> tuple[dict[str, bytes], set[str]]:
    """Return what is remembered of runs, as far as it still holds.

    Args:
        file: of the index, which need not exist.
        stamps: of the runs' files as they are now, by the run's name.

    Returns:
        What was remembered of each run whose stamp is the same, and the names of runs in the
        index that are no more.
    """
    fresh: dict[str, bytes] = {}
    gone: set[str] = set()
    if file.exists():
        with _forgiving(file), closing(_connect(file)) as connection:
            for row in _rows(connection):
                name, stamp, body, checksum = row
                if checksum != _checksum(name, stamp, body):
                    continue
                text = name.decode()
                if stamps.get(text) == stamp:
                    fresh[text] = body
                elif text not in stamps:
                    gone.add(text)
    return fresh, gone


def remember(file: Path, learned: Mapping[str, tuple[bytes, bytes]], gone: Iterable[str]) -> None:
    """Write the stamps and bodies of runs into the index, and forget those that are gone.

    Where it can't be written, or another process has it for more than a second, nothing is.
    """
    rows = [
        (name, stamp, body, _checksum(name.encode(), stamp, body))
        for name, (stamp, body) in learned.items()
    ]
    with _forgiving(file), closing(_connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) != VERSION:
            connection.execute("DROP TABLE IF EXISTS runs")
            connection.execute(
                "CREATE TABLE runs (name TEXT PRIMARY KEY, stamp BLOB, body BLOB, checksum INTEGER)"
                " WITHOUT ROWID"
            )
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)
        connection.executemany("DELETE FROM runs WHERE name = ?", [(name,) for name in gone])
        connection.execute("COMMIT")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=1.0, isolation_level=None)
    connection.text_factory = bytes  # a damaged text may be no UTF-8
    return connection


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _rows(connection: sqlite3.Connection) -> Iterable[tuple[bytes, bytes, bytes, int]]:
    if _version(connection) != VERSION:
        return ()
    return connection.execute("SELECT name, stamp, body, checksum FROM runs")


def _checksum(name: bytes, stamp: bytes, body: bytes) -> int:
    """Return the CRC-32 of a row: SQLite itself has none, and a flipped bit would go unnoticed."""
    try:
        return zlib.crc32(b"\0".join((name, stamp, body)))
    except TypeError:  # damage has made no bytes of it
        return -1


@contextmanager
def _forgiving(file: Path) -> Iterator[None]:
    """Let the block fail; where that was the file's fault, delete it, to be made anew."""
    try:
        yield
    except sqlite3.Error as error:
        # Errors of Python's own, as for text that can't be decoded, have no code.
        if getattr(error, "sqlite_errorcode", -1) & 0xFF not in _NO_DAMAGE:
            _discard(file)


def _discard(file: Path) -> None:
    """Delete the index. Processes that have it open lose what they write, which they can."""
    with suppress(StorageError, OSError), registry_lock(patience=1.0):
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
