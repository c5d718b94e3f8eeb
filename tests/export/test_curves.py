import csv
from pathlib import Path

import numpy as np
import pytest

from clipdesk.errors import UsageError
from clipdesk.export.curves import COLUMNS, curves_csv, save_curves
from clipdesk.export.png import save_png
from clipdesk.render.targets import Text, Unit
from tests.recipes import make_recipe

PIXELS = np.zeros((32, 32, 3), dtype=np.uint8)
CURVE = np.array([0.1, 1 / 3, -2e-9], dtype=np.float32)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_shorter_curves_have_empty_cells() -> None:
    text = curves_csv({"a": [1.0, 2.5], 'b, "quoted"': [3.0]})
    assert text == 'step,a,"b, ""quoted"""\n1,1,3\n2,2.5,\n'


def test_without_curves_the_table_is_only_a_heading() -> None:
    assert curves_csv({}) == "step\n"


def test_a_tidy_table_has_a_row_for_each_step(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "u.png", make_recipe(Unit(layer="visual", index=7), steps=3), CURVE)
    save_png(PIXELS, tmp_path / "t.png", make_recipe(Text(text='=1+1, "x"'), steps=1), CURVE[:1])
    save_png(PIXELS, tmp_path / "none.png", make_recipe())
    assert save_curves(tmp_path, tmp_path / "curves.csv") == (2, 1)
    heading, text, *unit = rows(tmp_path / "curves.csv")
    assert tuple(heading) == COLUMNS
    assert text == ["t.png", "demo", "", "", '\'=1+1, "x"', "0", "1", "0.1"], "no spreadsheet takes it for a formula"
    assert [row[:7] for row in unit] == [["u.png", "demo", "visual", "7", "", "0", str(step)] for step in (1, 2, 3)]
    assert np.array_equal(np.array([row[7] for row in unit], dtype=np.float32), CURVE), "not a bit is lost"


def test_a_wide_table_has_a_column_for_each_picture(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe(steps=3), CURVE)
    save_png(PIXELS, tmp_path / "b.png", make_recipe(steps=1), CURVE[:1])
    save_curves(tmp_path, tmp_path / "curves.csv", wide=True)
    assert rows(tmp_path / "curves.csv")[:3] == [["step", "a.png", "b.png"], ["1", "0.1", "0.1"], ["2", "0.333333", ""]]


def test_a_table_needs_a_picture_with_a_curve(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe())
    with pytest.raises(UsageError, match="contains a curve"):
        save_curves(tmp_path, tmp_path / "curves.csv")
    assert not (tmp_path / "curves.csv").exists()
