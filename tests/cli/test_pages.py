"""``clipdesk page`` of units and layers."""

from __future__ import annotations

import json

import pytest

from clipdesk.cli import asked
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos

MODEL = ("--model", "SMALL")


@pytest.fixture
def surveyed(clipdesk: Command) -> Command:
    """The command line, with a survey of a layer."""
    photos(clipdesk.folder / "photos")
    assert clipdesk("survey", "photos", *MODEL, "--layers", SHORT, "--device", "cpu").code == 0
    return clipdesk


def test_a_units_page_shows_its_rendered_picture_beside_the_photos(surveyed: Command) -> None:
    rendered = ("render", *MODEL, "--layer", SHORT, "--neuron", "3", "--iterations", "3")
    assert surveyed(*rendered).code == 0
    made = surveyed("page", f"{SHORT}:3", *MODEL)
    assert (made.code, made.out) == (0, f"{SHORT}-3.html\n")
    assert "--with-photos shows them" in made.err
    page = (surveyed.folder / f"{SHORT}-3.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp") == 1
    assert " of 24 pictures" in page
    assert "cats/" not in page
    again = surveyed("page", f"{LAYER}:3", *MODEL, "--with-photos", "-o", "x.html")
    assert (again.code, again.out, again.err) == (0, "x.html\n", "")
    assert (surveyed.folder / "x.html").read_text(encoding="utf-8").count("data:image/webp") > 24


def test_a_layers_page_lists_its_units(surveyed: Command) -> None:
    made = surveyed("page", SHORT, *MODEL, "--sort", "density")
    assert (made.code, made.out) == (0, f"{SHORT}.html\n")
    page = (surveyed.folder / f"{SHORT}.html").read_text(encoding="utf-8")
    assert page.count(f"/{LAYER}/") == 256
    assert "<dt>units</dt><dd>256</dd>" in page


def test_json_is_printed_and_a_page_written_only_where_it_is_named(surveyed: Command) -> None:
    unit = surveyed("page", f"{SHORT}:3", *MODEL, "--json", "--pooling", "max")
    assert (json.loads(unit.out)["unit"], json.loads(unit.out)["pooling"]) == (f"{LAYER}:3", "max")
    assert not list(surveyed.folder.glob("*.html"))
    layer = surveyed("page", SHORT, *MODEL, "--json", "-o", "x.html")
    assert len(json.loads(layer.out)["units"]) == 256
    assert layer.err.startswith("x.html\n")
    assert (surveyed.folder / "x.html").exists()


def test_a_page_without_a_survey_says_how_to_make_one(clipdesk: Command) -> None:
    refused = clipdesk("page", f"{SHORT}:3", *MODEL)
    assert refused.code == 2
    assert "There is no survey of" in refused.err


def test_a_name_that_is_neither_a_folder_nor_a_layer_is_refused(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "survey_with_bar", lambda *_: pytest.fail("no survey is made for it"))
    refused = clipdesk("page", "nothing", *MODEL)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert refused.err.startswith("Error: There is no folder nothing, and no such layer: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((f"{SHORT}:3", "--megabytes", "5"), "--megabytes is for a folder's page, so leave it out"),
        ((".", "--with-photos"), "--with-photos is for the page of a unit or a layer, so leave it out"),
        ((".", "--json"), "--json is for the page of a unit or a layer, so leave it out"),
        ((f"{SHORT}:3", "-o", "x.png"), "A page is an .html file, not x.png"),
    ],
)
def test_options_that_mean_nothing_are_refused(clipdesk: Command, arguments: tuple[str, ...], message: str) -> None:
    refused = clipdesk("page", *arguments)
    assert (refused.code, refused.err) == (2, f"Error: {message}\n")
