"""What attention heads write, in words."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.conftest import Command
from tests.cli.surveys import photos

HEADS, MODEL = "1.attn.heads", ("--model", "SMALL")


@pytest.fixture
def surveyed(clipdesk: Command) -> Command:
    """The command line, with a survey of a layer of heads."""
    photos(clipdesk.folder / "photos")
    assert clipdesk("survey", "photos", *MODEL, "--layers", HEADS, "--device", "cpu").code == 0
    return clipdesk


def test_a_head_is_described_by_what_it_writes(surveyed: Command) -> None:
    asked = surveyed("words", f"{HEADS}:0", *MODEL, "--reading", "span", "--concepts", "scenes", "--json")
    found = json.loads(asked.out)
    assert (found["head"], found["pictures"], len(found["words"])) == (0, 24, 5)
    shares = [each["explained"] for each in found["words"]]
    assert min(shares) > 0
    assert sum(shares) <= 1
    lines = surveyed("words", f"{HEADS}:0", *MODEL, "--reading", "span", "--concepts", "scenes", "--count", "2").out
    assert [line.split("\t")[0] for line in lines.splitlines()] == [each["word"] for each in found["words"][:2]]


@pytest.mark.parametrize("arguments", [(HEADS,), (f"{HEADS}:0", "--reader", "demo")])
def test_only_one_head_is_described_and_by_its_own_model(surveyed: Command, arguments: tuple[str, ...]) -> None:
    refused = surveyed("words", *arguments, *MODEL, "--reading", "span")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "--reading span is of one head" in refused.err


def test_a_heads_page_has_what_it_looks_at_only_with_photos(surveyed: Command) -> None:
    page = ("page", f"{HEADS}:0", *MODEL, "--concepts", "scenes", "-o", "x.html")
    made = surveyed(*page, "--json")
    assert len(json.loads(made.out)["writes"]) > 3
    text = (surveyed.folder / "x.html").read_text(encoding="utf-8")
    assert ("What it writes" in text, "What it looks at" in text) == (True, False)
    assert surveyed(*page, "--with-photos").code == 0
    text = (surveyed.folder / "x.html").read_text(encoding="utf-8")
    assert text.count('alt="attention"') > 5


def test_a_heads_page_is_written_where_thumbnails_are_gone(surveyed: Command) -> None:
    (path,) = (surveyed.folder / os.environ["CLIPDESK_DATA"]).glob("surveys/*/thumbnails.sqlite")
    path.unlink()
    made = surveyed("page", f"{HEADS}:0", *MODEL, "--concepts", "scenes")
    assert made.code == 0
    assert "Note: The survey has no thumbnails" in made.err
