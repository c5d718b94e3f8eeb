from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import read_recipe, save_png

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_picture_and_recipe_come_back(tmp_path: Path) -> None:
    recipe = {"target": {"text": "ein Stern \u2605"}, "settings": {"seed": 1}}
    save_png(PIXELS, tmp_path / "a.png", recipe)
    assert read_recipe(tmp_path / "a.png") == recipe
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), PIXELS)


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path, {})
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(UsageError, match="is damaged"):
        read_recipe(path)


def test_files_without_a_recipe(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    with pytest.raises(UsageError, match="holds no ClipDesk recipe"):
        read_recipe(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UsageError, match="is not a picture"):
        read_recipe(tmp_path / "text.png")
    with pytest.raises(ClipDeskError, match="Cannot read"):
        read_recipe(tmp_path / "none.png")
