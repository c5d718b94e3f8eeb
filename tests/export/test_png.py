from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import RECIPE_KEY, read_recipe, save_png
from clipdesk.render.targets import Text
from tests.recipes import make_recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_picture_and_recipe_come_back(tmp_path: Path) -> None:
    recipe = make_recipe(Text(text="ein Stern \u2605"))
    save_png(PIXELS, tmp_path / "a.png", recipe)
    assert read_recipe(tmp_path / "a.png") == recipe
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), PIXELS)


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path, make_recipe())
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(UsageError, match="is damaged"):
        read_recipe(path)


def test_files_without_a_recipe(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    with pytest.raises(UsageError, match="holds no ClipDesk recipe"):
        read_recipe(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UsageError, match="is not a PNG picture"):
        read_recipe(tmp_path / "text.png")
    with pytest.raises(ClipDeskError, match="Cannot read"):
        read_recipe(tmp_path / "none.png")


def test_a_hostile_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.new("1", (9000, 1)).save(path)
    with pytest.raises(UsageError, match="larger than any picture"):
        read_recipe(path)
    path = tmp_path / "other.png"
    Image.fromarray(PIXELS).save(path, format="BMP")
    with pytest.raises(UsageError, match="is not a PNG picture"):
        read_recipe(path)


@pytest.mark.parametrize("text", ["[" * 50_000, "x" * 2_000_000, '{"model": "demo"}'])
def test_a_malformed_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path, info = tmp_path / "x.png", PngInfo()
    info.add_itxt(RECIPE_KEY, text, zip=True)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    with pytest.raises(UsageError, match=r"x\.png"):
        read_recipe(path)
