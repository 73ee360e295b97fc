"""Hostile files take neither memory nor time beyond what their size allows, and no liberties."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from zoo.errors import CorruptWeights
from zoo.weights import load_weights, read_metadata, read_state_dict, save_weights

CHILD = """
import json, os, resource, sys, time
from pathlib import Path
import torch
from zoo.errors import ZooError
from zoo.weights import load_weights, read_foreign, read_state_dict

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10

def outcome(read, file):
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # for the machine's sake
    before, started = held(), time.process_time()
    try:
        read(file)
        said = "read"
    except ZooError as error:
        said = str(error)
    return [said, held() - before, time.process_time() - started]

torch.set_num_threads(1)  # a forked child has none of its parent's threads
lazy = torch.nn.Sequential(torch.nn.LazyLinear(3))
for name in sys.argv[1:]:
    file = Path(name)
    for read in (read_state_dict, read_foreign, lambda file: load_weights(lazy, file)):
        if (child := os.fork()) == 0:
            print(json.dumps([file.stem, *outcome(read, file)]), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, name
"""


def outcomes(*files: Path) -> list[tuple[str, str]]:
    """Read files each way; return name and what was said, once sure that it took little.

    Twice a file's size and 200 MB more of memory than before, and some seconds of a processor.
    """
    sizes = {file.stem: file.stat().st_size for file in files}
    command = [sys.executable, "-c", CHILD, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for name, said, memory, seconds in rows:
        assert memory < 2 * sizes[name] + 200_000_000, (name, said, memory)
        assert seconds < 30, (name, said, seconds)
    return [(name, said) for name, said, *_ in rows]


def archive(file: Path, value, method=zipfile.ZIP_STORED, times=1) -> Path:
    """Save a value, and repack the archive: compressed, or with its members many times over."""
    whole = io.BytesIO()
    torch.save(value, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w", method) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
        if times > 1:
            largest = max(new.infolist(), key=lambda member: member.file_size)
            new.filelist += [largest] * (times - 1)
    return file


def header(file: Path, text: bytes, size: int | None = None) -> Path:
    """Write a safetensors file of a header alone, as long as told."""
    with file.open("wb") as stream:
        stream.write((size or len(text)).to_bytes(8, "little") + text)
        stream.truncate(8 + (size or len(text)))  # of a hole, where it is longer than the text
    return file


def zeros(count):
    return {"0.weight": torch.zeros(count), "0.bias": torch.zeros(3)}


def table(entry):
    """Return so many entries of a JSON object that a header's limits are just kept."""
    return b",".join(b'"%x":%s' % (number, entry) for number in range(800_000))


def text(value: bytes) -> bytes:
    """A text as pickles have it."""
    return b"X" + len(value).to_bytes(4, "little") + value


def pickled(*parts: bytes) -> bytes:
    """A dict of what the parts make, as a pickle of torch's protocol, the archive's only member."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as new:
        new.writestr("archive/data.pkl", b"\x80\x02}(" + b"".join(parts) + b"u.")
        new.writestr("archive/byteorder", b"little")
        new.writestr("archive/version", b"3\n")
    return whole.getvalue()


NUMBERS = b"".join(b"J" + number.to_bytes(4, "little") for number in range(100_000))
COPIED = pickled(
    *(text(b"a"), b"]q\x00(", NUMBERS, b"e"),
    *(text(b"b"), b"c__builtin__\nset\nq\x01h\x00\x85R"),
    *(text(b"%d" % number) + b"h\x01h\x00\x85R" for number in range(10_000)),
)
ENCODED = pickled(
    *(text(b"a"), text(b"a" * 1_000_000), b"q\x00", text(b"utf-32"), b"c_codecs\nencode\nq\x01"),
    *(text(b"%d" % number) + b"h\x01h\x00" + text(b"utf-32") + b"\x86R" for number in range(9_000)),
)
NESTED = pickled(b")q\x00", b"h\x00h\x00\x86q\x00" * 90, b"K\x01" * 91)
SCALAR = b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n" + text(b"V2000000000") + b"\x85R\x85R"

SUFFIXES = (".safetensors", ".pth")
BOMBS = {
    "one list copied over and over": lambda p: p.write_bytes(COPIED),
    "one text encoded over and over": lambda p: p.write_bytes(ENCODED),
    "keys that take forever to hash": lambda p: p.write_bytes(NESTED),
    "the same in the old format": lambda p: p.write_bytes(
        b"\x80\x02K\x01." * 3 + b"\x80\x02})q\x00" + b"h\x00h\x00\x86q\x00" * 90 + b"K\x01s."
    ),
    "empty sets": lambda p: p.write_bytes(pickled(b"\x8f" * 20_000_000)),
    "numbers without data": lambda p: p.write_bytes(
        pickled(*(text(b"%d" % number) + SCALAR for number in range(9)))
    ),
    "capitals": lambda p: p.write_bytes(COPIED.replace(b"data.pkl", b"DATA.pkl")),
    "compressed zip": lambda p: archive(p, zeros(20_000_000), zipfile.ZIP_DEFLATED),
    "members over one another": lambda p: archive(p, zeros(10_000), times=50_000),
    "expanded tensor": lambda p: torch.save({"0.weight": torch.zeros(1).expand(10**12)}, p),
    "expanded matrix": lambda p: torch.save({"0.weight": torch.zeros(1).expand(3, 10**12)}, p),
    "many expanded tensors": lambda p: torch.save(
        {str(n): torch.zeros(1).expand(100_000, n + 1) for n in range(2000)}, p
    ),
    "expanded storage": lambda p: torch.save(
        {str(n): torch.zeros(1_000_000).expand(n + 2, 1_000_000) for n in range(100)}, p
    ),
    "bytes without end": lambda p: p.write_bytes(
        b"\x80\x02}X\x01\x00\x00\x00ac__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85Rs."
    ),
    "bytes in an archive": lambda p: torch.save({"0.weight": bytearray(9)}, p),
    "header of 100 MB": lambda p: header(p, b'{"a":', 99_999_000),
    "header of 26 MB": lambda p: header(p, b"{}", 26_000_000),
    "header of lists": lambda p: header(p, b"[" + b",".join([b"[]"] * 1_400_000) + b"]"),
    "header of empty tables": lambda p: header(p, b"{" + table(b"{}") + b"}"),
    "metadata without end": lambda p: header(p, b'{"__metadata__":{' + table(b'""') + b',"a":3}}'),
    "header nested without end": lambda p: header(p, b'{"a":' * 1_000_000),
    "header of more parts": lambda p: header(p, b"[" + b",".join([b"[]"] * 5_000_000) + b"]"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What is said of each bomb, by whoever reads it: all in one process, torch takes its time."""
    if sys.platform != "linux":
        pytest.skip("needs /proc and fork")
    folder = tmp_path_factory.mktemp("bombs")
    files = []
    for name, make in BOMBS.items():
        suffix = ".safetensors" if "header" in name or "metadata" in name else ".pth"
        files.append(folder / f"{name}{suffix}")
        make(files[-1])
    return outcomes(*files)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_the_memory_its_size_allows(said, name):
    """Each is read three ways; what it took was measured above."""
    texts = [text for stem, text in said if stem == name]
    assert len(texts) == 3
    assert all(f"{name}." in text and text != "read" for text in texts)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and fork")
def test_very_many_names_are_read(tmp_path):
    """No bomb: a file of 5,000 tensors is one, in both formats."""
    state = {f"layer.{number}.weight": torch.zeros(1) for number in range(5_000)}
    files = [save_weights(state, tmp_path / f"a{suffix}").path for suffix in SUFFIXES]
    for name, text in outcomes(*files):
        assert text == "read" or "does not fit" in text, name


NAMES = ["../../escaped", "/escaped", "a\0b", "x" * 4000, "..", "", ".", "a/../b", "ä" * 300, "\n"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tensors_name_is_never_a_path(tmp_path, suffix):
    """Whatever it looks like: a key of a dict, and nothing appears anywhere."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    state = {name: torch.full((2,), number) for number, name in enumerate(NAMES)}
    file = save_weights(state, folder / f"net{suffix}").path
    loaded = read_state_dict(file)
    assert list(loaded) == NAMES
    assert all(torch.equal(loaded[name], state[name]) for name in NAMES)
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", file.name]


def test_a_name_that_is_there_twice_is_damage(tmp_path):
    """Readers disagree which of two is meant; for us, the other's bytes are in nobody's."""
    entry = '"a":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    text = f"{{{entry % (0, 4)},{entry % (4, 8)}}}".encode()
    file = tmp_path / "a.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(CorruptWeights):
        read_state_dict(file)


@pytest.mark.parametrize(
    "entry",
    [
        '{"dtype":"F32","shape":[1],"data_offsets":[0,8]}',
        '{"dtype":"F32","shape":[2],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[true],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[1],"data_offsets":[4,0]}',
        '{"dtype":"F32","shape":[0],"data_offsets":[4,4]}',
        '{"dtype":"F32","shape":"1","data_offsets":[0,4]}',
        '{"dtype":32,"shape":[1],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}',
        '{"dtype":"F32","shape":[1]}',
        '{"shape":[1],"data_offsets":[0,4]}',
        "[]",
        "null",
        '"F32"',
    ],
)
def test_an_entry_that_describes_no_tensor_is_damage(tmp_path, entry):
    """Offsets beyond the file, holes, absurd shapes, other types; also without reading tensors."""
    text = f'{{"a":{entry}}}'.encode()
    file = tmp_path / "a.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(CorruptWeights, match=r"a\.safetensors"):
        read_state_dict(file)
    with pytest.raises(CorruptWeights, match=r"a\.safetensors"):
        load_weights(nn.Linear(1, 1), file, strict=False)


def test_a_strangers_header_may_be_laid_out_otherwise(tmp_path):
    """Spaces, another order, tensors not in the order of their names: all of it is JSON."""
    entries = {
        "b": {"shape": [1], "data_offsets": [4, 8], "dtype": "F32"},
        "a": {"data_offsets": [0, 4], "dtype": "F32", "shape": []},
    }
    text = json.dumps({**entries, "__metadata__": {"by": "hand"}}, indent=1).encode()
    file = tmp_path / "a.safetensors"
    numbers = torch.tensor([1.0, 2.0]).numpy().tobytes()
    file.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    assert {name: t.item() for name, t in read_state_dict(file).items()} == {"b": 2, "a": 1}
    assert read_metadata(file) == {"by": "hand"}
    assert set(safetensors.torch.load_file(file)) == {"a", "b"}
