"""What users write into a card stays, whatever they write and wherever."""

import pytest
import yaml
from huggingface_hub import ModelCard

from zoo._registry import registry
from zoo.hub._card import write_card
from zoo.hub._kept import MARK, Kept, kept_of
from zoo.hub._place import Place
from zoo.hub._subject import subject_of

PLACE = Place("ada/digits")
SIZES = {"model.safetensors": 407_080}


@pytest.fixture
def subject(run):
    """The run `mlp`."""
    return subject_of(str(run), registry())


@pytest.fixture
def write(subject):
    """Return what writes the card anew, over one that is there."""
    return lambda text="": write_card(subject, PLACE, SIZES, kept_of(text.encode()))


def test_what_zoo_wrote_is_not_kept(write):
    """A card that nobody has touched says nothing of users."""
    assert kept_of(write().encode()) == Kept()


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + "\nMine.\n",
        lambda text: text.replace("## Use", "Mine.\n\n## Use"),
        lambda text: text.replace("| loss |", "| Mine. | 1 |\n| loss |"),
        lambda text: text.replace("import zoo", "import zoo  # Mine."),
        lambda text: text.replace(MARK, "") + "\nMine.\n",
        lambda text: text + f"\n{MARK}\n\nMine.\n",
        lambda text: text.replace("\n# mlp", f"\n```\n{MARK}\n```\n\nMine.\n\n# mlp"),
        lambda text: text[: text.index("<!--")] + "Mine.",
        lambda text: text.replace("\n", "\r\n") + "Mine.",
        lambda text: "\ufeff" + text + "Mine.",
        lambda text: text.replace("library_name", "library_name: [\nbroken") + "Mine.",
        lambda text: text.replace("\n---\n", "\n", 1) + "Mine.",
    ],
)
def test_no_word_of_theirs_is_lost(write, edit):
    """Above the line and below it, with the line taken away, doubled or quoted, in any form."""
    first = write(edit(write()))
    assert "Mine." in first.partition(MARK)[2]
    assert write(first) == first, "and the next push changes nothing"
    assert ModelCard(first).data.model_name == "mlp"


HEADS = {
    "license: mit": "license: mit",
    "language: no": "language: no",
    "# why\nlicense: mit  # so\nname: |\n  # one\n\n  two\n# end": "# why\nlicense: mit  # so",
    "{license: mit}": "license: mit",
    "  license: mit\n  other: 1": "license: mit\nother: 1",
    "date: 2024-01-01\nratio: .nan": "date: 2024-01-01\nratio: .nan",
    "license: &a mit": "license: &a mit",
    'text: "one\n# two\n three"': '# two\n three"',
}


@pytest.mark.parametrize("head", HEADS)
def test_keys_of_theirs_stay_as_they_were_typed(write, head):
    """With their comments: read and written anew, `no` would become `false`."""
    first = write(f"---\n{head}\n---\nMine.")
    assert HEADS[head] in first
    assert first.count("Mine.") == 1
    assert write(first) == first
    mine = yaml.safe_load(head)
    found = ModelCard(first).data.to_dict()
    assert {key: str(found[key]) for key in mine} == {key: str(mine[key]) for key in mine}


BOMB = "\n".join(
    f"{name}: &{name} [{', '.join([old] * 9)}]"
    for old, name in zip(["x", *(f"*{c}" for c in "abcdefgh")], "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "head",
    [
        *("a: [", "- 1", "words", "a:\tb\n\tc: d", "a: 1\na: 2", "1: a", "a: 1\n...\nb: 2"),
        *("a: !!python/object/apply:os.abort []", "a: 2024-02-31", f"a: {'9' * 9000}", BOMB),
        *(f"{BOMB}\ntags: [*i]", f"a: {'[' * 50_000}", "a: \x00", f"a: {'b' * 300_000}"),
    ],
)
def test_a_head_that_is_none_is_kept_as_prose(write, head):
    """It can't be among zoo's own keys; nor is it thrown away, whatever it is."""
    first = write(f"---\n{head}\n---\nMine.")
    prose = first.partition(MARK)[2]
    assert prose.strip() == f"```yaml\n{head}\n```\n\nMine."
    assert write(first) == first


@pytest.mark.parametrize(
    "text", ["", "---", "---\nMine.", "# Mine.\n\n\n\n    code\n\n\n    code", "Mine.\n---\nMine."]
)
def test_a_card_by_hand_is_kept_to_the_letter(text):
    """Where zoo has written nothing, there is nothing to tell apart."""
    assert kept_of(text.encode()) == Kept(prose=text)
    assert kept_of("Grün".encode("latin-1")).prose == "Grün"


def test_tags_of_theirs_stay_and_those_of_another_model_go(subject, write):
    """What an earlier push has written of a model is not said of the next one."""
    text = write("---\ntags: [mine, no, 2024]\n---\n").replace("- mlp", "- mnist-cnn")
    assert kept_of(text.encode()).tags == ("mnist-cnn", "mine", "no", "2024")
    other = write().replace("- mlp", "- mlp\n- mine")
    subject.card["model"] = "vision/mnist-cnn"
    after = write_card(subject, PLACE, SIZES, kept_of(other.encode()))
    assert ModelCard(after).data.tags == ["zoo", "mnist-cnn", "classification", "mine"]
