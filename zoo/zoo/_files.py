"""The one way files are written: whole or not at all."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable
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


def write_atomically(path: Path, write: Callable[[Path], None]) -> SavedFile:
    """Have `write` fill a temporary file beside `path`, and put that in its place.

    Whoever looks at `path`, also after a crash or a power cut, sees the old file whole or the
    new one whole. The temporary is called `.<name>.<process>.<random>.partial`; whatever goes
    wrong, it is removed. The file's mode is what the umask says. A symbolic link at `path` is
    replaced, not followed.

    Args:
        path: the file; its folder must exist.
        write: given the temporary's path, an empty file. It may replace it.

    Raises:
        StorageError: it can't be written; what was at `path` before is untouched.
    """
    # A name may have 255 bytes; what is added here needs its share of them.
    name = f".{path.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.partial"
    temporary = path.with_name(name)
    try:
        try:
            mode = _create(temporary)
            write(temporary)
            sha256, size = _settle(temporary, mode)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    except Exception as error:
        cause = _os_error_behind(error)
        if cause is None:
            raise
        raise storage_error(path, cause) from error
    return SavedFile(path, sha256, size)


def write_text(path: Path, text: str) -> SavedFile:
    """Write `text` in UTF-8, atomically (see `write_atomically`)."""
    return write_atomically(path, lambda file: _fill(file, text.encode()))


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


def _fill(file: Path, data: bytes) -> None:
    file.write_bytes(data)
