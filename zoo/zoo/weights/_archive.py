"""torch's zip archives, looked over before torch reads them: it would believe them all."""

import zipfile
from io import BufferedReader
from pathlib import Path, PurePosixPath

from ..errors import CorruptWeights, UntrustedWeights
from ._pickle_cost import Insatiable, scan_pickles

_START = b"PK\3\4"
_INSATIABLE = frozenset(
    (
        b"bytearray",
        b"_rebuild_device_tensor_from_cpu_tensor",
        b"_rebuild_device_tensor_from_numpy",
    )
)
"""What torch builds for whoever asks, of any size, and fills with zeros or with copies."""
_LONGEST = 1 << 28
"""Bytes of a pickle, without the tensors' own: names and shapes of a million tensors."""
_OLD_PICKLES = 5
"""Of which the format before 1.6 has so many, one after another, before its tensors."""
_DIRECTORY = 0x10
"""MS-DOS's attribute of a folder, of which torch's reader reads nothing, and says nothing."""
_LOCAL = 30
"""Bytes of what stands before a member, its name and extra field left out."""
_OFFSET = 42
"""Where, in a directory's entry, it says where the member is."""
_IN_ZIP64 = 0xFFFFFFFF
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
        UntrustedWeights: it is a TorchScript program, or asks for memory out of all proportion.
        zipfile.BadZipFile: it is damaged otherwise.
    """
    stream.seek(0)
    if stream.read(len(_START)) != _START:  # the format of torch before 1.6
        stream.seek(0)
        _check_pickle(stream.read(_LONGEST + 1), path, _OLD_PICKLES)
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
        if members and not _is_where_it_says(stream, archive):
            raise CorruptWeights(
                f"{path} is damaged: its directory is not where it says. Copy or download it again."
            )
        # torch's set_crc32_options(False) leaves zeros, which zipfile refuses.
        if any(member.CRC for member in members if member.file_size):
            _check_sums(archive, path)
        for member in members:
            # Torch's reader looks for it by any capitals.
            if PurePosixPath(member.filename.lower()).name == "data.pkl":
                _check_pickle(_bytes_of(stream, member), path)


def untrusted(path: Path, what: str) -> UntrustedWeights:
    """Return the error that says what is wrong with trusting a file, and what to do."""
    return UntrustedWeights(
        f"{path} holds more than tensors, {what}: loading it would run code from the file, which "
        "zoo never does. Where it was made, keep only its tensors: "
        f'torch.save(model.state_dict(), "{path.name}").'
    )


def _check_pickle(data: bytes, path: Path, pickles: int = 1) -> None:
    """Refuse what some bytes can make take any amount of memory, which no weights need."""
    try:
        scan_pickles(data, pickles, _INSATIABLE, most=_LONGEST)
    except Insatiable as error:
        raise UntrustedWeights(
            f"{path} asks for {error}. Where the file was made, keep only its tensors: "
            f'torch.save(model.state_dict(), "{path.name}").'
        ) from error


def _bytes_of(stream: BufferedReader, member: zipfile.ZipInfo) -> bytes:
    """Read a stored member's bytes, up to as many as are looked at, whatever its checksum."""
    stream.seek(member.header_offset)
    local = stream.read(_LOCAL)
    lengths = (int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
    stream.seek(sum(lengths), 1)
    return stream.read(min(member.file_size, _LONGEST + 1))


def _is_where_it_says(stream: BufferedReader, archive: zipfile.ZipFile) -> bool:
    """Say whether zipfile has read the same directory as torch will.

    Where an archive lies behind something else, zipfile moves all offsets by that; torch does not.
    """
    stream.seek(archive.start_dir + _OFFSET)
    said = int.from_bytes(stream.read(4), "little")
    return said in (archive.infolist()[0].header_offset, _IN_ZIP64)


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
