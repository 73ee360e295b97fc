"""A hub on the loopback: real HTTP, repositories in memory, a log of all that was asked, faults.

It speaks what the client of today says to a hub, as far as zoo makes it say so. Standard library
only. Run as a program it serves until its stdin ends: `python loopback.py`.
"""

import base64
import functools
import hashlib
import json
import re
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

WRITER, READER, STRANGER = "hf_writer_4711", "hf_reader_4712", "hf_stranger_4713"
"""Tokens: of the owner `ada`, of the owner's for reading only, and of nobody."""
PICKS = re.compile(r".*\.(safetensors|pth|bin|png)")
"""What this hub keeps by its sha256, whatever its size."""


@dataclass
class File:
    """A file of a commit."""

    data: bytes
    lfs: bool = False

    @functools.cached_property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @functools.cached_property
    def blob(self):
        if self.lfs:  # of what git has in its place
            return hashlib.sha1(self.sha256.encode()).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass
class Repo:
    """A repository: what each branch is at, and what each commit holds."""

    private: bool = True
    refs: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    commits: dict = field(default_factory=dict)
    parents: dict = field(default_factory=dict)

    def commit(self, branch, files, parent=None):
        """Make a commit of all of `files`."""
        told = sorted((path, file.sha256) for path, file in files.items())
        made = json.dumps([branch, parent, told, len(self.commits)]).encode()
        name = hashlib.sha1(made).hexdigest()
        self.commits[name], self.parents[name] = dict(files), parent
        self.refs[branch] = name
        return name

    def history(self, branch="main"):
        """The commits of a branch, the newest first."""
        names, name = [], self.refs.get(branch)
        while name:
            names.append(name)
            name = self.parents[name]
        return names


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that fit."""

    method: str
    path: str
    do: str
    """A status as digits, `cut` or `stall`, before anything is done; `500-after`, `cut-after`,
    `stall-after`, once it is done; `rst`, `fin`, `flip`, `hang`, in the middle of the answer's
    body; `read-cut`, in the middle of the request's."""
    times: int = 1
    headers: dict = field(default_factory=dict)
    skip: int = 0
    body: bytes | None = None
    """Of an answer with a status; None: JSON with an error."""

    def takes(self, method, path):
        """Whether it is this request's turn."""
        if self.times <= 0 or method != self.method or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class LoopbackHub(ThreadingHTTPServer):
    """The hub. Use it in a `with`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, part=None, page=1000, verify=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos, self.lfs, self.faults, self.log = {}, {}, [], []
        self.parts, self.part, self.page, self.verify = {}, part, page, verify
        self.after, self.before = [], []
        self.moved = {}
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.tokens = {WRITER: "write", READER: "read"}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def storage(self):
        """Another host, as far as a client can tell."""
        return f"http://localhost:{self.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, args=[0.05], daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.thread.join()

    def handle_error(self, request, client_address):
        """A client that has gone is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def fault(self, method, path, do, **more):
        """Plan a fault."""
        self.faults.append(Fault(method, path, str(do), **more))

    def add(self, name, files, *, private=False, branch="main"):
        """Put files into a repository, as a push of somebody else would; return the commit."""
        repo = self.repos.setdefault(name, Repo(private))
        made = {path: File(data, lfs=bool(PICKS.fullmatch(path))) for path, data in files.items()}
        head = repo.refs.get(branch)
        return repo.commit(branch, {**repo.commits.get(head, {}), **made}, head)

    def head(self, name, branch="main"):
        """The files that a branch is at, as bytes."""
        repo = self.repos[name]
        return {path: file.data for path, file in repo.commits[repo.refs[branch]].items()}

    def asked(self, method=None, path=""):
        """The requests so far that fit, as (method, path)."""
        return [(m, p) for m, p, *_ in self.log if method in (None, m) and re.search(path, p)]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_args):
        pass

    def do_GET(self):
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class calls them so

    def _serve(self):
        hub, address = self.server, urlsplit(self.path)
        path = unquote(address.path)
        with hub.lock:
            fault = next((f for f in hub.faults if f.takes(self.command, path)), None)
        self.planned = fault.do if fault else ""
        size = int(self.headers.get("Content-Length") or 0)
        if self.planned == "read-cut":
            self.rfile.read(size // 2)
            self._note(path, b"", "read-cut")
            self._reset()
            return
        body = self.rfile.read(size) if size else self._chunked()
        entry = self._note(path, body, self.planned)
        for pattern, act in [pair for pair in hub.before if re.search(pair[0], path)]:
            hub.before.remove((pattern, act))
            act()
        if self.planned in ("cut", "stall"):
            self._stop()
            return
        if self.planned.isdigit():
            told = {"error": "planned"} if fault.body is None else fault.body
            self._answer(int(self.planned), told, fault.headers)
            return
        status, value, headers = self._route(path, parse_qs(address.query), body)
        entry[3] = status
        if self.planned.endswith("-after"):
            for act in hub.after:
                act()
            if (told := self.planned.removesuffix("-after")).isdigit():
                self._answer(int(told), {"error": "planned"}, fault.headers)
            else:
                self._stop()
            return
        self._answer(status, value, headers)

    def _chunked(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return b""
        data = b""
        while size := int(self.rfile.readline().strip(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _note(self, path, body, status):
        kept = body if len(body) < 1_000_000 else b""
        entry = [self.command, path, dict(self.headers), status, kept]
        with self.server.lock:
            self.server.log.append(entry)
        return entry

    def _stop(self):
        if self.planned.startswith("stall"):
            self.server.closing.wait(60)
        self._reset()

    def _reset(self):
        """Close as a crash does: the other side reads an error, not an end."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def _answer(self, status, value=None, headers=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        data = b"" if value is None else data
        headers = {"Content-Type": "application/json", **(headers or {})}
        if self.planned == "flip":
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(status)
        for name, text in {"Content-Length": len(data), **headers}.items():
            self.send_header(name, str(text))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.planned in ("rst", "fin", "hang"):
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            time.sleep(0.1)
            self.close_connection = True
            if self.planned == "hang":
                self.server.closing.wait(60)
            if self.planned != "fin":
                self._reset()
            return
        self.wfile.write(data)

    # What is asked, and what it comes to: (status, value, headers).

    def _route(self, path, query, body):
        for old, new in self.server.moved.items():
            if f"/{old}" in path:
                return 307, None, {"Location": self.server.url + self.path.replace(old, new)}
        for pattern, name in ROUTES:
            if found := re.fullmatch(pattern, path):
                parts = found.groups()
                if name not in ("_put", "_part", "_complete", "_stored"):
                    refused = self._refusal(name, parts)
                    if refused:
                        return refused
                with self.server.lock:
                    return getattr(self, name)(*parts, query=query, body=body)
        return 404, {"error": f"no such place: {path}"}, {}

    def _refusal(self, name, parts):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        right = self.server.tokens.get(token)
        if token and right is None:
            text = "Invalid credentials in Authorization header"
            return 401, {"error": text}, {"X-Error-Message": text}
        if name in WRITING:
            if right is None:
                return (
                    401,
                    {"error": "log in"},
                    {"X-Error-Message": "Invalid username or password."},
                )
            if right != "write":
                text = "Forbidden: you need a token with write access"
                return 403, {"error": text}, {"X-Error-Message": text}
        if name in ("_create", "_validate", "_whoami"):
            return None
        repo = self.server.repos.get(parts[0])
        if repo is None or (repo.private and right is None):
            return 404, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"}
        return None

    def _whoami(self, **_rest):
        return 200, {"name": "ada", "type": "user", "orgs": [], "auth": {}}, {}

    def _create(self, *, query, body):
        asked = json.loads(body)
        name = f"{asked.get('organization') or 'ada'}/{asked['name']}"
        told = {"url": f"{self.server.url}/{name}", "name": name}
        if name in self.server.repos:
            return 409, told, {}
        private = asked.get("visibility") == "private" or asked.get("private", False)
        repo = self.server.repos[name] = Repo(private)
        repo.commit("main", {".gitattributes": File(b"*.safetensors filter=lfs\n")})
        return 200, told, {}

    def _branch(self, name, branch, *, query, body):
        repo = self.server.repos[name]
        if branch in repo.refs:
            return 409, {"error": "it is there"}, {}
        repo.refs[branch] = repo.refs["main"]
        return 200, {}, {}

    def _commits(self, name, revision, *, query, body):
        repo = self.server.repos[name]
        if self._commit_of(repo, revision) is None:
            return NO_REVISION
        told = {
            "title": "a commit",
            "message": "",
            "authors": [],
            "date": "2026-01-01T00:00:00.000Z",
        }
        history = repo.history(revision) if revision in repo.refs else []
        return 200, [{"id": commit, **told} for commit in history], {}

    def _validate(self, *, query, body):
        content = json.loads(body)["content"]
        errors = []
        if content.startswith("---\n"):
            front = content.split("---\n")[1]
            if "model-index:" in front and not re.search(r"\n- name: \S", front):
                errors.append({"message": '"model-index[0].name" is required'})
            if "\t" in front:
                errors.append({"message": "a tab in YAML"})
        return (400 if errors else 200), {"errors": errors, "warnings": []}, {}

    def _info(self, name, revision=None, *, query, body):
        repo = self.server.repos[name]
        commit = self._commit_of(repo, revision or "main")
        if commit is None:
            return NO_REVISION
        files = [{"rfilename": path} for path in sorted(repo.commits[commit])]
        told = {"id": name, "modelId": name, "sha": commit, "private": repo.private}
        return 200, {**told, "tags": [], "siblings": files, "downloads": 0}, {}

    def _tree(self, name, revision, *, query, body):
        repo = self.server.repos[name]
        commit = self._commit_of(repo, revision)
        if commit is None:
            return NO_REVISION
        files = sorted(repo.commits[commit].items())
        start, size = int(query.get("cursor", ["0"])[0]), self.server.page
        told = [self._entry(path, file) for path, file in files[start : start + size]]
        if start + size >= len(files):
            return 200, told, {}
        next_page = (
            f"{self.server.url}{urlsplit(self.path).path}?recursive=true&cursor={start + size}"
        )
        return 200, told, {"Link": f'<{next_page}>; rel="next"'}

    def _entry(self, path, file):
        told = {"type": "file", "path": path, "size": len(file.data), "oid": file.blob}
        if file.lfs:
            told["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 130}
        return told

    def _preupload(self, name, branch, *, query, body):
        repo = self.server.repos[name]
        if branch not in repo.refs:
            return NO_REVISION
        have = repo.commits[repo.refs[branch]]
        told = []
        for asked in json.loads(body)["files"]:
            path, old = asked["path"], have.get(asked["path"])
            mode = "lfs" if PICKS.fullmatch(path) else "regular"
            oid = (old.sha256 if old.lfs else old.blob) if old else None
            told.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return 200, {"files": told}, {}

    def _batch(self, name, *, query, body):
        asked = json.loads(body)
        told, part = [], self.server.part
        multi = part is not None and "multipart" in asked["transfers"]
        for thing in asked["objects"]:
            oid, size = thing["oid"], thing["size"]
            entry = {"oid": oid, "size": size}
            told.append(entry)
            if oid in self.server.lfs:
                continue
            upload = {"href": f"{self.server.storage}/lfs/put/{oid}?secret=signature"}
            if multi and size > part:
                count = -(-size // part)
                upload = {
                    "href": f"{self.server.url}/lfs/complete/{oid}",
                    "header": {
                        "chunk_size": str(part),
                        **{
                            f"{n:05}": f"{self.server.storage}/lfs/part/{oid}/{n}"
                            for n in range(1, count + 1)
                        },
                    },
                }
            entry["actions"] = {
                "upload": upload,
                "verify": {"href": f"{self.server.url}/{name}.git/info/lfs/verify"},
            }
        transfer = "multipart" if multi else "basic"
        return 200, {"transfer": transfer, "objects": told}, {}

    def _put(self, oid, *, query, body):
        if self.server.verify and hashlib.sha256(body).hexdigest() != oid:
            return 400, {"error": "the digest is another"}, {}
        self.server.lfs[oid] = body
        return 200, None, {}

    def _part(self, oid, number, *, query, body):
        self.server.parts[oid, int(number)] = body
        return 200, None, {"ETag": f'"{number}-{len(body)}"'}

    def _complete(self, oid, *, query, body):
        numbers = [part["partNumber"] for part in json.loads(body)["parts"]]
        return self._put(
            oid, query=query, body=b"".join(self.server.parts[oid, n] for n in sorted(numbers))
        )

    def _verify(self, name, *, query, body):
        return (200 if json.loads(body)["oid"] in self.server.lfs else 404), {}, {}

    def _commit(self, name, branch, *, query, body):
        repo = self.server.repos[name]
        if branch not in repo.refs:
            return NO_REVISION
        head = repo.refs[branch]
        files = dict(repo.commits[head])
        for line in body.splitlines():
            asked = json.loads(line)
            value = asked["value"]
            if asked["key"] == "header" and value.get("parentCommit") not in (None, head):
                return 412, {"error": "the head has moved"}, {}
            if asked["key"] == "file":
                files[value["path"]] = File(base64.b64decode(value["content"]))
            if asked["key"] == "lfsFile":
                if value["oid"] not in self.server.lfs:
                    return 400, {"error": "no such object"}, {}
                files[value["path"]] = made = File(self.server.lfs[value["oid"]], lfs=True)
                if self.server.verify:  # it was computed when the bytes arrived
                    made.sha256 = value["oid"]
            if asked["key"] == "deletedFile":
                del files[value["path"]]
        oid = repo.commit(branch, files, head)
        return 200, {"commitOid": oid, "commitUrl": f"{self.server.url}/{name}/commit/{oid}"}, {}

    def _resolve(self, name, revision, path, *, query, body):
        repo = self.server.repos[name]
        commit = self._commit_of(repo, revision)
        if commit is None:
            return NO_REVISION
        file = repo.commits[commit].get(path)
        if file is None:
            return 404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"}
        headers = {"X-Repo-Commit": commit, "ETag": f'"{file.blob}"'}
        if not file.lfs:
            return self._bytes(file.data, headers)
        self.server.lfs[file.sha256] = file.data
        return (
            302,
            None,
            {
                **headers,
                "Location": f"{self.server.storage}/lfs/get/{file.sha256}",
                "X-Linked-Etag": f'"{file.sha256}"',
                "X-Linked-Size": len(file.data),
            },
        )

    def _stored(self, oid, *, query, body):
        return self._bytes(self.server.lfs[oid], {"ETag": f'"{oid}"'})

    def _bytes(self, data, headers):
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if not found or found[1] == "0":
            return 200, data, headers
        start = int(found[1])
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return 206, data[start:], headers

    def _commit_of(self, repo, revision):
        named = repo.refs.get(revision) or repo.tags.get(revision)
        return named or (revision if revision in repo.commits else None)


NO_REVISION = (404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"})
WRITING = ("_create", "_branch", "_preupload", "_batch", "_verify", "_commit")
_REPO = r"([^/]+/[^/]+)"
ROUTES = [
    (r"/api/whoami-v2", "_whoami"),
    (r"/api/repos/create", "_create"),
    (r"/api/validate-yaml", "_validate"),
    (rf"/api/models/{_REPO}/branch/(.+)", "_branch"),
    (rf"/api/models/{_REPO}/commits/(.+)", "_commits"),
    (rf"/api/models/{_REPO}/preupload/(.+)", "_preupload"),
    (rf"/api/models/{_REPO}/commit/(.+)", "_commit"),
    (rf"/api/models/{_REPO}/tree/([^/]+)", "_tree"),
    (rf"/api/models/{_REPO}/revision/(.+)", "_info"),
    (rf"/api/models/{_REPO}", "_info"),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", "_batch"),
    (rf"/{_REPO}\.git/info/lfs/verify", "_verify"),
    (r"/lfs/put/(\w+)", "_put"),
    (r"/lfs/part/(\w+)/(\d+)", "_part"),
    (r"/lfs/complete/(\w+)", "_complete"),
    (r"/lfs/get/(\w+)", "_stored"),
    (rf"/{_REPO}/resolve/([^/]+)/(.+)", "_resolve"),
]


if __name__ == "__main__":
    with LoopbackHub() as served:
        print(served.url, flush=True)
        sys.stdin.read()
