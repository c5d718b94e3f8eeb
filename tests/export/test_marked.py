import json
from pathlib import Path

import numpy as np
from PIL import Image

from clipdesk.export.marked import MARK_KEY, with_mark
from clipdesk.export.png import read_png, save_png
from clipdesk.marks.mark import Mark
from tests.recipes import make_recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
MARK = Mark(True, ("ears", "größer ★"), "first\nsecond")


def marks_in(path: Path) -> list[object]:
    with Image.open(path) as image:
        image.load()
        return [json.loads(str(text)) for key, text in image.info.items() if key == MARK_KEY]


def test_a_mark_is_written_beside_the_recipe_the_curve_and_the_pixels(tmp_path: Path) -> None:
    path, recipe = tmp_path / "a.png", make_recipe(steps=3)
    curve = np.array([1, 2, 3], dtype=np.float32)
    save_png(PIXELS, path, recipe, curve)
    path.write_bytes(with_mark(path.read_bytes(), MARK))
    assert marks_in(path) == [{"starred": True, "tags": ["ears", "größer ★"], "note": "first\nsecond"}]
    found = read_png(path)
    assert found.recipe == recipe
    assert found.curve is not None
    assert np.array_equal(found.curve, curve)
    assert np.array_equal(found.pixels, PIXELS)


def test_a_newer_mark_takes_the_place_of_the_older_one_and_an_empty_one_takes_it_out(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path, make_recipe())
    plain = path.read_bytes()
    twice = with_mark(with_mark(plain, MARK), Mark(note="other"))
    assert twice == with_mark(plain, Mark(note="other"))
    assert with_mark(twice, Mark()) == plain


def test_what_is_not_a_whole_png_comes_back_as_it_is(tmp_path: Path) -> None:
    assert with_mark(b"no picture", MARK) == b"no picture"
    path = tmp_path / "a.png"
    save_png(PIXELS, path, make_recipe())
    cut = path.read_bytes()[:-7]
    assert with_mark(cut, Mark()) == cut
