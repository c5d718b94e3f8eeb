"""The window shows, copies and saves what it says it does: as a user finds out, in a real window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.export.png import read_recipe
from clipdesk.render.targets import Unit
from tests.e2e.desktop import Desktop, missing_tools, open_desktop
from tests.e2e.steps import LAYER, choose_layer, drag_over_rows, kept, set_iterations

# In CI, a missing tool is a mistake in the set-up.
pytestmark = pytest.mark.skipif(bool(missing_tools()) and "CI" not in os.environ, reason=missing_tools())


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """A window with pictures of units 2 to 5, rendered a moment ago."""
    with open_desktop(tmp_path_factory.mktemp("home")) as desk:
        choose_layer(desk)
        drag_over_rows(desk)
        set_iterations(desk, 12)
        desk.press("ctrl+r")
        desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
        desk.until(lambda: len(kept(desk)) == 4, "the kept pictures")
        yield desk


@pytest.fixture
def desk(rendered: Desktop) -> Desktop:
    """That window with all pictures of its last job beside each other, and the keys on the first."""
    rendered.press("alt+8", "Escape", "Home")
    return rendered


def save_as(desk: Desktop, path: Path) -> None:
    """Give the file dialog a name."""
    desk.replace(desk.wait_for("text", "File name"), str(path))
    desk.press("Return")
    desk.until(path.is_file, "the saved picture")


def test_f11_shows_the_canvas_alone(desk: Desktop) -> None:
    desk.press("F11")
    desk.until(lambda: desk.find("table", "Neurons") is None, "the canvas alone")
    desk.press("Escape")
    desk.wait_for("table", "Neurons")


def test_an_earlier_step_is_saved_on_demand(desk: Desktop, tmp_path: Path) -> None:
    desk.press("Return")
    slider = desk.wait_for("slider", "Step")
    desk.click(slider)
    desk.press("ctrl+s")
    answer = desk.wait_for("push button", "2, step ", within=desk.wait_for("alert message"))
    step = int(answer.name.split()[-1])
    desk.click(answer)
    save_as(desk, tmp_path / "step.png")
    recipe = read_recipe(tmp_path / "step.png")
    assert (recipe.target, recipe.steps) == (Unit(layer=LAYER, index=2), step)
    assert 1 < step < 12, "the slider went where it was clicked"
    desk.wait_until_active()
    desk.click(slider)
    desk.press("End")


def test_keeping_a_picture_for_comparison_leaves_it_the_one_that_is_saved(desk: Desktop, tmp_path: Path) -> None:
    # The third of four, by the keyboard.
    desk.press("Right", "Right", "ctrl+shift+c", "ctrl+s")
    desk.click(desk.wait_for("push button", "4", within=desk.wait_for("alert message")))
    save_as(desk, tmp_path / "kept.png")
    assert read_recipe(tmp_path / "kept.png").target == Unit(layer=LAYER, index=4)
    desk.wait_until_active()
    desk.press("ctrl+shift+c")


def test_a_render_stays_on_the_canvas_when_the_gallery_gets_its_picture(desk: Desktop, tmp_path: Path) -> None:
    desk.press("alt+6")
    gallery = desk.wait_for("list", "Finished pictures")
    desk.click(desk.wait_for("list item", "3.mlp.gelu:4", within=gallery))
    desk.press("Return")
    desk.click(desk.wait_for("table", "Neurons").cell(6, 2))
    desk.press("Return")
    desk.wait_for("list item", "3.mlp.gelu:6, done")
    desk.until(lambda: len(kept(desk)) == 5, "the kept picture")
    desk.press("ctrl+s")
    save_as(desk, tmp_path / "shown.png")
    assert read_recipe(tmp_path / "shown.png").target == Unit(layer=LAYER, index=6)
