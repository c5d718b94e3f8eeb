"""The steps of a user in the window."""

from __future__ import annotations

from pathlib import Path

from clipdesk.export.png import read_recipe
from clipdesk.render.targets import Unit
from tests.e2e.desktop import Desktop

LAYER = "visual.transformer.resblocks.3.mlp.gelu"


def kept(desk: Desktop) -> list[Path]:
    """The pictures that ClipDesk keeps of itself."""
    return sorted(desk.home.rglob("ClipDesk/neuron_*.png"))


def index(path: Path) -> int:
    """The unit that a picture is of."""
    target = read_recipe(path).target
    assert isinstance(target, Unit)
    return target.index


def set_iterations(desk: Desktop, iterations: int) -> None:
    """Type a number of steps."""
    desk.replace(desk.wait_for("spin box", "Iterations"), str(iterations))
    desk.press("Tab")


def choose_layer(desk: Desktop) -> None:
    """Find `LAYER` with the filter, and click it."""
    tree = desk.wait_for("tree", "Architecture")
    desk.replace(desk.wait_for("text", "Filter layers"), "block 3 hidden gelu")
    desk.click(desk.wait_for("tree item", "MLP hidden", within=tree))
    desk.wait_for("label", LAYER)


def drag_over_rows(desk: Desktop) -> None:
    """Choose units 2 to 5."""
    table = desk.wait_for("table", "Neurons")
    desk.drag(table.cell(2, 2), table.cell(5, 2))


def save(desk: Desktop, path: Path) -> None:
    """Show the first picture alone, and save it."""
    canvas = desk.wait_for("filler", "Pictures")
    desk.click(canvas)
    desk.press("Return", "ctrl+s")
    desk.replace(desk.wait_for("text", "File name"), str(path))
    desk.press("Return")
    desk.until(path.is_file, "the saved picture")
    desk.wait_until_active()
