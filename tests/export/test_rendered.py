"""The rendered pictures of units, found in a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clipdesk.export.png import save_png
from clipdesk.export.recipe import Recipe
from clipdesk.export.rendered import rendered_units
from clipdesk.render.targets import Text, Unit
from tests.recipes import SILENT, make_recipe

WEIGHTS, LAYER = "a" * 64, "visual.layer"


def put(folder: Path, name: str, recipe: Recipe, **changes: object) -> None:
    recipe = recipe.model_copy(update={"weights": WEIGHTS, **changes})
    save_png(np.full((400, 200, 3), 9, np.uint8), folder / f"{name}.png", recipe)


def test_the_newest_useful_picture_of_each_unit_is_found(tmp_path: Path) -> None:
    five, six = Unit(layer=LAYER, index=5), Unit(layer=LAYER, index=6)
    put(tmp_path, "a", make_recipe(five), date="2026-11-24T12:00:00+00:00")
    put(tmp_path, "b", make_recipe(five), date="2026-11-25T12:00:00+00:00")
    put(tmp_path, "c", make_recipe(five), date="2026-11-23T12:00:00+00:00")
    put(tmp_path, "silent", make_recipe(six, activation=SILENT))
    put(tmp_path, "other weights", make_recipe(six), weights="b" * 64)
    put(tmp_path, "other layer", make_recipe(Unit(layer="visual.other", index=6)))
    put(tmp_path, "text", make_recipe(Text(text="a star")))
    (tmp_path / "none.png").write_text("no picture")
    found = rendered_units(tmp_path, WEIGHTS, LAYER)
    assert {unit: each.path.name for unit, each in found.items()} == {5: "b.png"}
    assert found[5].image.size == (160, 320)
    put(tmp_path, "six", make_recipe(six))
    assert set(rendered_units(tmp_path, WEIGHTS, LAYER)) == {5, 6}
    assert set(rendered_units(tmp_path, WEIGHTS, LAYER, [6, 7])) == {6}


def test_a_folder_without_pictures_has_none(tmp_path: Path) -> None:
    assert rendered_units(tmp_path, WEIGHTS, LAYER) == {}
    assert rendered_units(tmp_path / "none", WEIGHTS, LAYER) == {}
