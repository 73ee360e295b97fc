"""Hubs that answer otherwise than a hub should: nothing of it is kept, and one line says so."""

import pytest
from hub_commands import REPO, copies, zoo
from loopback import Handler

import zoo as api


def answers(hub, **methods):
    """Have the hub answer by these methods, where its own would."""
    hub.RequestHandlerClass = type("Strange", (Handler,), methods)


def test_no_more_is_taken_than_is_listed(pushed):
    """A body without an end fills no disk: it is left at the byte after the last one listed."""
    sent = []

    class Endless(Handler):
        def _answer(self, status, value=None, headers=None):
            if not self.path.startswith("/lfs/get/"):
                super()._answer(status, value, headers)
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for data in (value, *[bytes(1 << 16)] * 10_000):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                sent.append(len(data))

    pushed.RequestHandlerClass = Endless
    said = zoo("pull", REPO, code=1)
    assert "did not arrive as the hub lists it: it has more bytes" in said.err
    assert sum(sent) < 100_000_000, "no more than what is under way"
    assert not copies()


def test_no_more_of_a_card_is_taken_than_is_listed(pushed):
    """Nor by a push, which reads what users have written into it."""
    pushed.add(REPO, {"README.md": b"mine"})

    class Longer(Handler):
        def _answer(self, status, value=None, headers=None):
            is_card = self.command == "GET" and self.path.endswith("README.md")
            super()._answer(status, value * 1_000_000 if is_card else value, headers)

    pushed.RequestHandlerClass = Longer
    said = zoo("push", "mlp", REPO, code=1)
    assert "README.md did not arrive as the hub lists it: it has more bytes" in said.err


@pytest.mark.parametrize(
    "lie",
    [
        {"size": -1},
        {"size": "12"},
        {"size": 12.5},
        {"oid": None},
        {"oid": "../../../etc"},
        {"lfs": {"oid": "../x", "size": 1, "pointerSize": 1}},
        {"lfs": {"oid": 7, "size": 1, "pointerSize": 1}},
    ],
)
def test_a_list_that_no_commit_can_have_is_refused(pushed, lie):
    """Sizes and digests are of the kinds that they should be, or nothing is fetched."""

    def entry(self, path, file):
        return {**Handler._entry(self, path, file), **lie}

    answers(pushed, _entry=entry)
    assert "with a size or a digest that no file has" in zoo("pull", REPO, code=1).err
    assert not copies()
    assert not pushed.asked(path="resolve")


@pytest.mark.parametrize("commit", ["main", "a" * 39, None, 7, "A" * 40])
def test_a_commit_of_another_name_is_refused(pushed, commit):
    """It would be a folder's name here."""

    def info(self, name, revision=None, *, query, body):
        status, told, headers = Handler._info(self, name, revision, query=query, body=body)
        return status, {**told, "sha": commit}, headers

    answers(pushed, _info=info)
    pushed.repos[REPO].refs[str(commit)] = pushed.repos[REPO].refs["main"]
    assert zoo("pull", REPO, code=1).err
    assert not copies()


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "/etc/passwd",
        "a\\..\\b",
        "nul\0nul",
        "Model.safetensors",
        "CONFIG.JSON",
        "x" * 300,
    ],
)
def test_files_of_other_names_are_left_alone(pushed, name):
    """Only what zoo knows is ever fetched, under the name that zoo has for it."""
    pushed.add(REPO, {name: b"evil"})
    held = {path.name for path in api.pull(REPO, progress=False).path.iterdir()}
    assert name not in held
    assert "evil.py" not in held
    assert not pushed.asked(path="resolve/.*/(Model|CONFIG|x|.*evil|etc)")


def test_a_page_of_somebody_else_is_no_answer(pushed, image):
    """A network that asks for a log-in answers everything with its own page: the copy is used."""
    before = api.pull(REPO, progress=False)

    def answer(self, status, value=None, headers=None):
        html = {"Content-Type": "text/html"}
        Handler._answer(self, 200, b"<html>Welcome to the airport</html>", html)

    answers(pushed, _answer=answer)
    said = zoo("pull", REPO, code=1)
    assert "Traceback" not in said.err
    assert f"is still here: hf:{REPO}@{before.commit}" in said.err
    said = zoo("predict", f"hf:{REPO}", image)
    assert f"hf:{REPO} is commit {before.commit}" in said.err
    assert "Meanwhile the copy" in said.err


def test_a_page_in_place_of_a_file_is_no_file(pushed):
    """Nor is it where only the storage is behind such a network."""

    def stored(self, oid, *, query, body):
        return 200, b"<html>Welcome</html>", {"Content-Type": "text/html"}

    answers(pushed, _stored=stored)
    said = zoo("pull", REPO, code=1)
    assert "was cut" in said.err
    assert not copies()


def test_a_list_without_an_end_is_none(pushed):
    """Each page names a next one, and all of them could fill the memory."""
    pages = []

    def tree(self, name, revision, *, query, body):
        status, told, _ = Handler._tree(self, name, revision, query=query, body=body)
        pages.append(len(told))
        return status, told * 5000, {"Link": f'<{self.server.url}{self.path}>; rel="next"'}

    answers(pushed, _tree=tree)
    assert "has more than 100,000 files" in zoo("pull", REPO, code=1).err
    assert len(pages) < 10
