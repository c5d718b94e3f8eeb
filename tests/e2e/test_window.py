"""The whole way of a user, in a real window, from outside the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.export.png import read_recipe
from clipdesk.render.targets import Unit
from tests.e2e.desktop import Desktop, missing_tools, open_desktop

# In CI a missing tool is a mistake in its set-up.
pytestmark = pytest.mark.skipif(bool(missing_tools()) and "CI" not in os.environ, reason=missing_tools())

LAYER = "visual.transformer.resblocks.3.mlp.gelu"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    home = tmp_path / "home"
    home.mkdir()
    with open_desktop(home) as desk:
        yield desk


def test_pick_a_layer_drag_over_rows_queue_wait_and_save(desk: Desktop, tmp_path: Path) -> None:
    _choose_layer(desk)
    _drag_over_rows(desk)
    _set_iterations(desk, 12)
    desk.click(desk.wait_for("push button", "Add 4 to batch"))
    job = desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
    desk.until(lambda: len(_kept(desk)) == 4, "the kept pictures")
    assert [_index(path) for path in _kept(desk)] == [2, 3, 4, 5]
    assert all(read_recipe(path).steps == 12 for path in _kept(desk))
    desk.click(job)
    _save(desk, tmp_path / "mine.png")
    recipe = read_recipe(tmp_path / "mine.png")
    assert recipe.target == Unit(layer=LAYER, index=2)
    assert recipe.settings.iterations == 12
    desk.press("ctrl+q")
    assert desk.process.wait(30) == 0


def test_rows_dragged_onto_the_queue_run_and_closing_asks_and_keeps_them(desk: Desktop) -> None:
    _choose_layer(desk)
    _drag_over_rows(desk)
    _set_iterations(desk, 5000)
    desk.drag(desk.wait_for("table", "Neurons").cell(3, 2), desk.wait_for("list", "Queue"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, running")
    desk.wait_for("label", "3.mlp.gelu:2 and 3 more: step ")
    desk.press("ctrl+q")
    desk.click(desk.wait_for("push button", "Close", within=desk.wait_for("alert message")))
    assert desk.process.wait(30) == 0
    assert [_index(path) for path in _kept(desk)] == [2, 3, 4, 5]
    assert all(1 <= read_recipe(path).steps < 5000 for path in _kept(desk))


def test_a_killed_window_offers_to_go_on(desk: Desktop) -> None:
    _choose_layer(desk)
    _drag_over_rows(desk)
    _set_iterations(desk, 100)
    desk.click(desk.wait_for("push button", "Add 4 to batch"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, running")
    desk.kill_and_start_again()
    desk.click(desk.wait_for("push button", "Go on"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
    desk.until(lambda: len(_kept(desk)) == 4, "the kept pictures")
    assert [_index(path) for path in _kept(desk)] == [2, 3, 4, 5]


def _kept(desk: Desktop) -> list[Path]:
    return sorted(desk.home.rglob("ClipDesk/neuron_*.png"))


def _index(path: Path) -> int:
    target = read_recipe(path).target
    assert isinstance(target, Unit)
    return target.index


def _set_iterations(desk: Desktop, iterations: int) -> None:
    desk.replace(desk.wait_for("spin box", "Iterations"), str(iterations))
    desk.press("Tab")


def _choose_layer(desk: Desktop) -> None:
    tree = desk.wait_for("tree", "Architecture")
    desk.replace(desk.wait_for("text", "Filter layers"), "block 3 hidden gelu")
    desk.click(desk.wait_for("tree item", "MLP hidden", within=tree))
    desk.wait_for("label", LAYER)


def _drag_over_rows(desk: Desktop) -> None:
    table = desk.wait_for("table", "Neurons")
    desk.drag(table.cell(2, 2), table.cell(5, 2))


def _save(desk: Desktop, path: Path) -> None:
    """Show the first picture alone, and save it."""
    canvas = desk.wait_for("filler", "Pictures")
    desk.click(canvas)
    desk.press("Return", "ctrl+s")
    desk.replace(desk.wait_for("text", "File name"), str(path))
    desk.press("Return")
    desk.until(path.is_file, "the saved picture")
