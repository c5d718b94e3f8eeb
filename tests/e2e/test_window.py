"""The whole way of a user, in a real window, from outside the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clipdesk.export.png import read_recipe
from clipdesk.render.targets import Unit
from tests.e2e.desktop import Desktop, missing_tools, open_desktop
from tests.e2e.steps import LAYER, choose_layer, drag_over_rows, index, kept, save, set_iterations

# In CI, a missing tool is a mistake in the set-up.
pytestmark = pytest.mark.skipif(bool(missing_tools()) and "CI" not in os.environ, reason=missing_tools())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    home = tmp_path / "home"
    home.mkdir()
    with open_desktop(home) as desk:
        yield desk


def test_pick_a_layer_drag_over_rows_queue_wait_and_save(desk: Desktop, tmp_path: Path) -> None:
    choose_layer(desk)
    drag_over_rows(desk)
    set_iterations(desk, 12)
    desk.click(desk.wait_for("push button", "Add 4 to batch"))
    job = desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
    desk.until(lambda: len(kept(desk)) == 4, "the kept pictures")
    assert [index(path) for path in kept(desk)] == [2, 3, 4, 5]
    assert all(read_recipe(path).steps == 12 for path in kept(desk))
    desk.click(job)
    save(desk, tmp_path / "mine.png")
    recipe = read_recipe(tmp_path / "mine.png")
    assert recipe.target == Unit(layer=LAYER, index=2)
    assert recipe.settings.iterations == 12
    desk.press("ctrl+q")
    assert desk.process.wait(30) == 0


def says_time_left(desk: Desktop) -> bool:
    line = desk.find("label", "3.mlp.gelu:2 and 3 more: ")
    return line is not None and line.name.endswith(" left")


def test_rows_dragged_onto_the_queue_run_and_closing_asks_and_keeps_them(desk: Desktop) -> None:
    choose_layer(desk)
    drag_over_rows(desk)
    set_iterations(desk, 5000)
    desk.drag(desk.wait_for("table", "Neurons").cell(3, 2), desk.wait_for("list", "Queue"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, running")
    desk.until(lambda: says_time_left(desk), "the time left, which is known after a step")
    desk.press("ctrl+q")
    desk.click(desk.wait_for("push button", "Close", within=desk.wait_for("alert message")))
    assert desk.process.wait(30) == 0
    assert [index(path) for path in kept(desk)] == [2, 3, 4, 5]
    assert all(1 <= read_recipe(path).steps < 5000 for path in kept(desk))


def test_a_killed_window_offers_to_go_on(desk: Desktop) -> None:
    choose_layer(desk)
    drag_over_rows(desk)
    set_iterations(desk, 60)
    desk.click(desk.wait_for("push button", "Add 4 to batch"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, running")
    desk.kill_and_start_again()
    desk.click(desk.wait_for("push button", "Go on"))
    desk.wait_for("list item", "3.mlp.gelu:2 and 3 more, done")
    desk.until(lambda: len(kept(desk)) == 4, "the kept pictures")
    assert [index(path) for path in kept(desk)] == [2, 3, 4, 5]


def test_a_units_name_is_typed_as_the_window_shows_it(desk: Desktop) -> None:
    set_iterations(desk, 3)
    box = desk.wait_for("text", "Typed target")
    desk.replace(box, "-3.mlp.gelu:9999")
    desk.wait_for("label", f"Layer '{LAYER}' has no neuron 9999")
    desk.replace(box, "-3.mlp.gelu:5")
    desk.wait_for("label", f"Renders unit 5 of {LAYER}, negative. QuickGELU keeps")
    desk.click(desk.wait_for("push button", "Use the advised target"))
    desk.wait_for("label", f"Renders unit 5 of {LAYER.replace('gelu', 'c_fc')}, negative")
    desk.click(box)
    desk.press("Return")
    desk.wait_for("list item", "-3.mlp.c_fc:5, done")
    desk.press("ctrl+a", "Delete", "Up")
    desk.wait_for("label", f"Renders unit 5 of {LAYER.replace('gelu', 'c_fc')}, negative")
