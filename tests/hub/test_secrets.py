"""The token goes to the hub, and nowhere else."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from hub_commands import REPO, zoo
from loopback import READER, STRANGER, WRITER

from zoo.hub._faults import fault_of
from zoo.hub._secret import cleaned


def all_files(folder):
    """The bytes of everything below a folder."""
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (WRITER, ("PUT", "/lfs/put/", 500)),
        (WRITER, ("POST", "/commit/main", "cut-after")),
        (READER, None),
        (STRANGER, None),
    ],
)
def test_it_is_nowhere(hub, run, online, tmp_path, token, fault):
    """Not in what is printed, also with --debug, not in a file of the home, not on the hub."""
    online.setenv("HF_TOKEN", token)
    online.setenv("HF_DEBUG", "1")
    hub.add(REPO, {"README.md": b"mine"}, private=True)
    if fault:
        hub.fault(*fault, times=2)
    printed = b""
    for line in (["push", "mlp", REPO, "--timeout", "20"], ["pull", REPO, "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "--debug", *line],
            capture_output=True,
            check=False,
            env=os.environ,
        )
        printed += done.stdout + done.stderr
    kept = all_files(os.environ["ZOO_HOME"]) + all_files(tmp_path / "hf-home")
    sent = b"".join(b"".join(hub.head(name).values()) for name in hub.repos)
    bodies = b"".join(entry[4] for entry in hub.log)
    paths = "".join(entry[1] for entry in hub.log).encode()
    for place in (printed, kept, sent, bodies, paths):
        assert token.encode() not in place
    assert any(token in str(entry[2]) for entry in hub.log), "the hub was given it"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to read")
def test_it_is_in_no_process_s_arguments(hub, run):
    """Where everybody on the machine could read it."""
    hub.fault("POST", "/preupload/", "stall")
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "push", "mlp", REPO],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not hub.asked("POST", "/preupload/"):
        assert process.poll() is None
        time.sleep(0.02)
    lines = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if readable(file)]
    process.kill()
    process.communicate(timeout=30)
    assert any(b"zoo.hub._child" in line for line in lines)
    assert not any(WRITER.encode() in line for line in lines)


def readable(file):
    """Whether a process is still there."""
    try:
        return bool(file.read_bytes())
    except OSError:
        return False


def test_a_token_of_a_file_is_used(hub, run, online, tmp_path):
    """The one that `hf auth login` has stored."""
    online.delenv("HF_TOKEN")
    (tmp_path / "hf-home").mkdir()
    (tmp_path / "hf-home" / "token").write_text(WRITER, encoding="utf-8")
    zoo("push", "mlp", REPO)
    assert WRITER.encode() not in all_files(os.environ["ZOO_HOME"])


B64 = base64.b64encode(f"Bearer {WRITER}".encode()).decode()
"""The token as headers have it, encoded."""


@pytest.mark.parametrize(
    "echo",
    [
        WRITER,
        f"Bearer {WRITER}, and then some",
        f"{WRITER[:6]}\n  {WRITER[6:]}",
        f"'{WRITER[:9]}\\n' '{WRITER[9:]}'",
        "\x1b[1m".join(WRITER),
        WRITER.replace("_", "%5F"),
        "".join(f"%{ord(letter):02x}" for letter in WRITER),
        B64,
        f"x{B64[4:]}",
        base64.b64encode(f"ada:{WRITER}".encode()).decode(),
        WRITER.encode().hex(),
        ("x" * 290) + WRITER,
        f"http://127.0.0.1/{WRITER}/put?X-Amz-Signature=signed",
    ],
)
def test_a_hub_that_echoes_it_is_not_printed(hub, run, echo):
    """However it writes it, in an answer or a header; and nothing steers the terminal."""
    answer = {"body": json.dumps({"error": echo}).encode()}
    header = "".join(c if c.isprintable() else " " for c in echo)
    hub.fault("POST", "/preupload/", 403, **answer, headers={"X-Error-Message": header})
    said = zoo("push", "mlp", REPO, code=1)
    shown = said.out + said.err
    assert "HTTP 403" in shown
    letters = "".join(c for c in re.sub(r"\\x..", "", shown) if c.isalnum())
    assert "writer4711" not in letters
    assert not re.search("hf_wri|writer|4711", unquote(shown))
    assert not {B64[12:24], WRITER.encode().hex()[:12], "signed", "\x1b"} & set(parts_of(shown))


def parts_of(text):
    """All of a text that could be one of the parts that are looked for."""
    return {text[i : i + n] for n in (1, 6, 12) for i in range(len(text))}


@pytest.mark.parametrize("text", ["", "no token here: aGVsbG8gd29ybGQgaGVsbG8=", "%zz 100% \\x"])
def test_other_texts_stay(text):
    """But for what is no text."""
    assert cleaned(text, WRITER) == text
    assert cleaned("a\n b\x1b[2J", None) == "a b\\x1b[2J"
    assert cleaned("at http://ada:pw@hub/x?sig=1 abc", "abc") == "at http://hub/x (token)"


def test_faults_are_told_by_what_lies_behind_them():
    """The client's errors have no common base, and some are wrapped."""
    timeout = type("TimeoutException", (Exception,), {})
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = type("ReadTimeout", (timeout,), {})("slow")
    assert fault_of(wrapped) == {
        "kind": "stalled",
        "text": "ReadTimeout: slow",
        "status": None,
    }
    assert fault_of(OSError(28, "No space left on device"))["kind"] == "disk"
    assert fault_of(ConnectionResetError())["kind"] == "cut"
    assert fault_of(ValueError("odd"))["kind"] == "refused"
    assert fault_of(KeyError("odd"))["kind"] == "bug"
