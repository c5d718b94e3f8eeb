"""From a word to a unit, its pictures, its render, its star and its page in a browser, by keyboard alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.activations.surveying import survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.marks.keys import UnitKey
from clipdesk.marks.store import Marks
from clipdesk.network.pool import open_model
from tests.e2e.browser import missing_browser, open_browser
from tests.e2e.desktop import Desktop, missing_tools, open_desktop
from tests.e2e.steps import set_iterations

_MISSING = missing_tools() or missing_browser()
# In CI, a missing tool is a mistake in the set-up.
pytestmark = pytest.mark.skipif(bool(_MISSING) and "CI" not in os.environ, reason=_MISSING)

LAYER = "visual.transformer.resblocks.5.mlp.gelu"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """A window whose model has a survey of a layer."""
    home = tmp_path / "home"
    data = home / "data"
    data.mkdir(parents=True)
    monkeypatch.setenv("CLIPDESK_DATA", str(data))
    for _ in survey_images(open_model("demo", "cpu"), open_image_set("scenes:600"), [LAYER]):
        pass
    with open_desktop(home) as desk:
        yield desk


def test_from_a_word_to_a_unit_and_its_page_by_keyboard_alone(desk: Desktop, tmp_path: Path) -> None:
    desk.wait_for("push button", "Render a first neuron")
    set_iterations(desk, 12)
    desk.press("ctrl+f")
    desk.type("heart")
    desk.press("Return")
    found = desk.wait_for("list", "Found units")
    first = desk.wait_for("list item", "5.mlp.gelu:", within=found).name
    assert float(first.rpartition(" ")[2]) > 0.5, first
    desk.press("Return")
    unit = int(first.partition(":")[2].partition(",")[0])
    desk.wait_for("label", f"5.mlp.gelu:{unit}")
    # What is in each scene is known: its caption says it.
    pictures = desk.wait_for("list", "Pictures of the unit")
    desk.wait_for("list item", within=pictures)
    names = [child.name for child in pictures.children() if child.role == "list item"][:6]
    assert sum("heart" in name for name in names) >= 5, names
    desk.press("ctrl+alt+r")
    desk.wait_for("label", "The rendered picture excites it more than")
    desk.press("ctrl+d", "ctrl+alt+u")
    page = tmp_path / "heart.html"
    desk.replace(desk.wait_for("text", "File name"), str(page))
    desk.press("Return")
    desk.until(page.is_file, "the page")
    desk.wait_until_active()
    desk.press("ctrl+q")
    assert desk.process.wait(30) == 0
    marks = Marks(desk.home / "data" / "marks.sqlite")
    starred = [key for key, mark in marks.all().items() if mark.starred]
    marks.close()
    assert [(key.layer, key.unit) for key in starred if isinstance(key, UnitKey)] == [(LAYER, unit)]
    with open_browser() as browser:
        browser.open(page)
        text = browser.find_element("tag name", "body").text
        assert f"5.mlp.gelu:{unit}" in text
        assert "heart" in text
        assert len(browser.find_elements("tag name", "img")) > 6
        assert browser.complaints() == []
