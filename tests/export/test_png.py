import base64
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import clipdesk
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import CURVE_KEY, RECIPE_KEY, read_png, read_recipe, save_picture, save_png, with_recipe
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text
from tests.recipes import make_recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_picture_and_recipe_come_back(tmp_path: Path) -> None:
    recipe = make_recipe(Text(text="ein Stern \u2605"))
    save_png(PIXELS, tmp_path / "a.png", recipe)
    assert read_recipe(tmp_path / "a.png") == recipe
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), PIXELS)


def test_a_recipe_is_read_by_the_name_of_its_file_too(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe())
    assert clipdesk.read_recipe(str(tmp_path / "a.png")) == make_recipe()


def test_the_curve_comes_back_to_the_last_bit_and_is_small(tmp_path: Path) -> None:
    curve = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    recipe = make_recipe(settings=make_settings(iterations=5000))
    save_png(PIXELS, tmp_path / "with.png", recipe, curve)
    save_png(PIXELS, tmp_path / "without.png", recipe)
    found = read_png(tmp_path / "with.png")
    assert found.recipe == recipe
    assert found.curve is not None
    assert np.array_equal(found.curve, curve)
    assert np.array_equal(np.asarray(found.image), PIXELS)
    assert read_png(tmp_path / "without.png").curve is None
    sizes = [(tmp_path / name).stat().st_size for name in ("with.png", "without.png")]
    assert sizes[0] - sizes[1] < 22_000


def _text(*values: float) -> str:
    return base64.b64encode(np.array(values, dtype="<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "\u2605",
        _text(1, 2),
        _text(1, 2, 3, 4),
        _text(1, 2, 3)[:-1],
        _text(1, np.inf, 3),
        _text(1, np.nan, 3),
        "A" * 900_000,
        "",
    ],
)
def test_a_malformed_curve_is_ignored(tmp_path: Path, text: str) -> None:
    path, info = tmp_path / "x.png", PngInfo()
    info.add_itxt(RECIPE_KEY, make_recipe(steps=3).to_json())
    info.add_itxt(CURVE_KEY, text, zip=True)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    assert read_png(path)[:2] == (make_recipe(steps=3), None)


def test_a_decompression_bomb_in_a_curve_is_refused(tmp_path: Path) -> None:
    path, info = tmp_path / "x.png", PngInfo()
    info.add_itxt(RECIPE_KEY, make_recipe().to_json())
    info.add_text(CURVE_KEY, "A" * 50_000_000, zip=True)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    with pytest.raises(UsageError, match=r"x\.png is damaged"):
        read_png(path)


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path, make_recipe())
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(UsageError, match="is damaged"):
        read_recipe(path)


def test_files_without_a_recipe_are_refused(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    with pytest.raises(UsageError, match="does not contain a ClipDesk recipe"):
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


def test_a_picture_that_pillow_warns_of_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (10_000, 9_500)).save(path)
    with pytest.raises(UsageError, match="larger than any picture that ClipDesk writes: 10000 x 9500"):
        read_recipe(path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(UsageError, match="is not a regular file"):
        read_recipe(tmp_path / "x.png")


@pytest.mark.parametrize("text", ["[" * 50_000, "x" * 2_000_000, '{"model": "demo"}'])
def test_a_malformed_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path, info = tmp_path / "x.png", PngInfo()
    info.add_itxt(RECIPE_KEY, text, zip=True)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    with pytest.raises(UsageError, match=r"x\.png"):
        read_recipe(path)


def test_a_picture_of_pythons_is_saved_with_what_it_carries(tmp_path: Path) -> None:
    curve = np.linspace(0, 1, 5, dtype=np.float32)
    recipe = make_recipe(steps=5)
    picture = Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))
    pixels = np.array(picture)
    save_picture(with_recipe(picture, recipe, curve), tmp_path / "x.png")
    read = read_png(tmp_path / "x.png")
    assert read.recipe == recipe
    assert read.curve is not None
    assert np.array_equal(read.curve, curve)
    assert np.array_equal(read.pixels, pixels)
    save_picture(read.image, tmp_path / "y.png")
    assert (tmp_path / "y.png").read_bytes() == (tmp_path / "x.png").read_bytes()


def test_a_picture_without_a_recipe_is_not_saved_as_if_it_had_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="carries no recipe"):
        save_picture(Image.new("RGB", (4, 4)), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())
