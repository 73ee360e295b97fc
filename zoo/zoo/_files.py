"""The one way files are written: whole or not at all."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import StorageError

_REMEDIES = {
    errno.ENOSPC: "Free some space there, or write elsewhere",
    errno.EDQUOT: "Free some of your quota there, or write elsewhere",
    errno.EFBIG: "Raise the limit on the size of files (`ulimit -f`), or write elsewhere",
    errno.ENOENT: "Create the folder first",
}


@dataclass(frozen=True)
class SavedFile:
    """A file that was written whole."""

    path: Path
    sha256: str
    """Hexadecimal digest of its bytes."""
    size: int
    """In bytes."""


def write_atomically(
    path: Path, write: Callable[[Path], None], temporary: Path | None = None
) -> SavedFile:
    """Have `write` fill a temporary file beside `path`, and put that in its place.

    Whoever looks at `path`, also after a crash or a power cut, sees the old file whole or the
    new one whole. The temporary is called `.<name>.<process>.<random>.partial`; whatever goes
    wrong, it is removed. The file's mode is what the umask says. A symbolic link at `path` is
    replaced, not followed.

    Args:
        path: the file; its folder must exist.
        write: given the temporary's path, an empty file. It may replace it.
        temporary: where to, on the same disk, if not beside `path`.

    Raises:
        StorageError: it can't be written; what was at `path` before is untouched.
    """
    temporary = temporary or _beside(path)
    with _storage_errors(path):
        try:
            saved = _write(temporary, write)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    return SavedFile(path, saved.sha256, saved.size)


def write_folder(
    path: Path,
    files: Mapping[str, Callable[[Path], None]],
    manifest: tuple[str, Callable[[list[SavedFile]], str]],
) -> None:
    """Have a folder of files filled beside `path`, and put that in its place with one rename.

    Whoever looks at `path`, also after a crash or a power cut, sees all of the files or none.
    Temporary folders are called as temporary files are (see `write_atomically`).

    Args:
        path: the folder, which must not exist; its parent is made.
        files: by name, what fills each; given an empty file's path.
        manifest: name and text of a last file, made from what was written before it.

    Raises:
        StorageError: it can't be written; there is nothing at `path` then.
    """
    temporary = _beside(path)
    with _storage_errors(path):
        _make_durably(path.parent)
        try:
            temporary.mkdir()
            saved = [_write(temporary / name, write) for name, write in files.items()]
            name, text = manifest
            _write(temporary / name, lambda file: fill(file, text(saved)))
            sync_folder(temporary)
            temporary.rename(path)
        except BaseException:
            import shutil  # here, and hashlib below: reading commands need neither

            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> SavedFile:
    """Write `text` in UTF-8, atomically (see `write_atomically`)."""
    return write_atomically(path, lambda file: fill(file, text))


def fill(file: Path, text: str) -> None:
    """Write `text` into a file that `write_atomically` or `write_folder` gave, in UTF-8."""
    fill_bytes(file, text.encode())


def fill_bytes(file: Path, data: bytes) -> None:
    """Write `data` into such a file."""
    file.write_bytes(data)


def sync_folder(folder: Path) -> None:
    """Get the names in a folder onto the disk, where the system can."""
    if os.name == "nt":  # a folder can't be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network file systems have no such thing
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError, remedy: str = "") -> StorageError:
    """Return the error that says what stood in the way of writing `path`, and what to do."""
    usual = _REMEDIES.get(error.errno or 0, "Write to a folder where you may")
    return StorageError(f"can't write {path}: {reason(error)}. {remedy or usual}.")


def reason(error: OSError) -> str:
    """Return the system's words for an error, without number and path."""
    return error.strerror or str(error)


def temporary_name(stem: str) -> str:
    """Return a name for what is made or removed, never used before, that lists leave out."""
    return f".{stem}.{os.getpid()}.{os.urandom(4).hex()}.partial"


def _make_durably(folder: Path) -> None:
    """Make a folder, unless it is there, whose own name outlives a power cut."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    sync_folder(folder.parent)


def _beside(path: Path) -> Path:
    """Return the path of a temporary, in the same folder."""
    # A name may have 255 bytes; what is added needs its share of them.
    return path.with_name(temporary_name(path.name[:40]))


@contextlib.contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Say what stood in the way of writing `path`, whichever library found out."""
    try:
        yield
    except Exception as error:
        cause = _os_error_behind(error)
        if cause is None:
            raise
        raise storage_error(path, cause) from error


def _write(file: Path, write: Callable[[Path], None]) -> SavedFile:
    """Fill a new file and get it onto the disk."""
    mode = _create(file)
    write(file)
    return SavedFile(file, *_settle(file, mode))


def _create(temporary: Path) -> int:
    """Create an empty file; return the mode that the umask gives to files here."""
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
    temporary.chmod(0o600)  # a umask such as 0277 must not lock out the writer itself
    return mode


def _settle(temporary: Path, mode: int) -> tuple[str, int]:
    """Give the temporary its mode and get it onto the disk; return its digest and its size."""
    import hashlib

    with temporary.open("rb+") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        temporary.chmod(mode)
        os.fsync(file.fileno())
    return sha256, size


def _os_error_behind(error: Exception) -> OSError | None:
    if isinstance(error, OSError):
        return error
    # torch.save reports "unexpected pos"; what its file object raised is the context of that.
    context = error.__context__
    if isinstance(context, OSError) and "inline_container" in str(error):
        return context
    # safetensors keeps the number in its text only: "I/O error: … (os error 28)".
    if found := re.search(r"\(os error (\d+)\)", str(error)):
        number = int(found[1])
        return OSError(number, os.strerror(number))
    return None
