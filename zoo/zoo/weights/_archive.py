"""torch's zip archives, looked over before torch reads them: it would believe them all."""

import zipfile
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import CorruptWeights, UntrustedWeights

_START = b"PK\3\4"
_INSATIABLE = (
    b"bytearray\n",
    b"_rebuild_device_tensor_from_cpu_tensor\n",
    b"_rebuild_device_tensor_from_numpy\n",
)
"""What torch builds for whoever asks, of any size, and fills with zeros or with copies."""
_DIRECTORY = 0x10
"""MS-DOS's attribute of a folder, of which torch's reader reads nothing, and says nothing."""
_CHUNK = 1 << 20


def check_archive(stream: BufferedReader, path: Path) -> None:
    """Accept an archive as torch.save writes it, or a file in its older format.

    torch writes a checksum for each member, but never compares it: a flipped bit would be loaded.
    Nor does it mind compression, with which some kilobytes become any number of gigabytes.

    Args:
        stream: the file.
        path: its name, for messages.

    Raises:
        CorruptWeights: a member is compressed, larger than the file, or altered.
        UntrustedWeights: it is a TorchScript program, or asks for memory that it does not fill.
        zipfile.BadZipFile: it is damaged otherwise.
    """
    stream.seek(0)
    if stream.read(len(_START)) != _START:  # the format of torch before 1.6
        stream.seek(0)
        _check_pickle(stream, path)
        return
    size = stream.seek(0, 2)
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if any(PurePosixPath(member.filename).name == "constants.pkl" for member in members):
            raise untrusted(path, "a TorchScript program")
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or sum(member.file_size for member in members) > size:
            raise CorruptWeights(
                f"{path} is compressed, which torch.save never does; it was repacked by something "
                "else. Get the original, or save the weights again where they were made."
            )
        if any(member.is_dir() or member.external_attr & _DIRECTORY for member in members):
            raise CorruptWeights(
                f"{path} is damaged: a folder is where a tensor was. Copy or download it again."
            )
        if not any(member.CRC for member in members if member.file_size):
            stream.seek(0)  # torch's set_crc32_options(False) leaves zeros, which zipfile refuses
            _check_pickle(stream, path)
            return
        _check_sums(archive, path)
        for member in members:
            if PurePosixPath(member.filename).name == "data.pkl":
                with archive.open(member) as pickled:
                    _check_pickle(pickled, path)


def untrusted(path: Path, what: str) -> UntrustedWeights:
    """Return the error that says what is wrong with trusting a file, and what to do."""
    return UntrustedWeights(
        f"{path} holds more than tensors, {what}: loading it would run code from the file, which "
        "zoo never does. Where it was made, keep only its tensors: "
        f'torch.save(model.state_dict(), "{path.name}").'
    )


def _check_pickle(stream: IO[bytes], path: Path) -> None:
    """Refuse what some bytes can make take any amount of memory, which no weights need."""
    before = b""
    while chunk := stream.read(_CHUNK):
        # A pickle names what it asks for in so many letters.
        found = [name for name in _INSATIABLE if name in before + chunk]
        if found:
            raise UntrustedWeights(
                f"{path} asks for a {found[0].decode().strip()}, which takes whatever memory it is "
                "told to. Where the file was made, keep only its tensors: "
                f'torch.save(model.state_dict(), "{path.name}").'
            )
        before = chunk[-100:]


def _check_sums(archive: zipfile.ZipFile, path: Path) -> None:
    """Compare the members with their checksums."""
    for member in archive.infolist():
        if not _holds(archive, member):
            raise CorruptWeights(
                f"{path} is damaged: the bytes of {member.filename!r} in it are not those that "
                "were written. Copy or download it again."
            )


def _holds(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(member) as stream:
            while stream.read(_CHUNK):
                pass
    except zipfile.BadZipFile:
        return False
    return True
