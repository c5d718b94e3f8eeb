import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.sheet import find_pictures, save_sheet
from clipdesk.render.targets import Combined, Term, Text, Unit
from tests.recipes import SILENT, make_recipe

PIXELS = np.zeros((64, 64, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures, neuron i in a grey of 20 i, and other things."""
    for index in range(10):
        pixels = np.full((64, 64, 3), 20 * index, dtype=np.uint8)
        save_png(pixels, tmp_path / f"{9 - index}.png", make_recipe(Unit(layer="visual", index=index)))
    (tmp_path / "broken.png").write_text("hello")
    (tmp_path / "visual_metadata.json").write_text("{}")
    return tmp_path


def test_pictures_are_found_in_order(folder: Path) -> None:
    found = find_pictures(folder)
    assert [recipe.target for _, recipe in found] == [Unit(layer="visual", index=i) for i in range(10)]


def test_a_png_shows_every_picture_with_its_label(folder: Path) -> None:
    save_sheet(find_pictures(folder), folder / "sheet.PNG", columns=5)
    with Image.open(folder / "sheet.PNG") as sheet:
        sheet.load()
    wide, high = sheet.width / 5, sheet.height / 2
    for i in range(10):
        x, y = int((i % 5 + 0.5) * wide), int((i // 5 + 0.4) * high)
        assert sheet.getpixel((x, y)) == (20 * i,) * 3
        label = sheet.crop((x - 70, int((i // 5 + 0.88) * high), x + 70, int((i // 5 + 0.98) * high)))
        assert label.convert("L").getextrema()[0] < 100


def test_a_sheet_is_no_picture_with_a_recipe(folder: Path) -> None:
    """As docs/results.md says; a sheet in the folder of its pictures is not taken for one."""
    save_sheet(find_pictures(folder), folder / "sheet.png")
    with pytest.raises(UsageError):
        read_recipe(folder / "sheet.png")
    assert len(find_pictures(folder)) == 10


def test_a_pdf_has_pages(folder: Path) -> None:
    save_sheet(find_pictures(folder) * 10, folder / "sheet.pdf")
    content = (folder / "sheet.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/Count 3" in content


def test_many_pictures_are_drawn_smaller(folder: Path) -> None:
    save_sheet(find_pictures(folder) * 320, folder / "sheet.png")
    with Image.open(folder / "sheet.png") as sheet:
        assert max(sheet.size) <= 8_500


def test_a_sheet_needs_pictures_and_a_known_suffix(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png or a \.pdf"):
        save_sheet(find_pictures(folder), folder / "sheet.jpg")
    with pytest.raises(UsageError, match="There is no folder"):
        find_pictures(folder / "none")
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="does not contain a picture"):
        find_pictures(folder / "empty")


def test_a_label_with_newlines_is_its_first_line(tmp_path: Path) -> None:
    for name, text in (("a", "a star\nunder it"), ("b", "\u2028"), ("c", "\x1b[2J")):
        save_png(PIXELS, tmp_path / f"{name}.png", make_recipe(Text(text=text)))
    save_sheet(find_pictures(tmp_path), tmp_path / "sheet.png")
    save_sheet(find_pictures(tmp_path), tmp_path / "sheet.pdf")


def test_a_long_label_takes_no_longer(tmp_path: Path) -> None:
    terms = tuple(Term(what=Text(text="w" * 2_000), weight=i + 1.0) for i in range(64))
    save_png(PIXELS, tmp_path / "a.png", make_recipe(Combined(terms=terms)))
    found = find_pictures(tmp_path)
    started = time.process_time()
    save_sheet(found, tmp_path / "sheet.png")
    assert time.process_time() - started < 2


def test_a_picture_that_is_gone_leaves_its_place_empty(folder: Path) -> None:
    found = find_pictures(folder)
    (folder / "9.png").unlink()
    (folder / "8.png").write_bytes((folder / "8.png").read_bytes()[:300])
    save_sheet(found, folder / "sheet.png", columns=5)
    with Image.open(folder / "sheet.png") as sheet:
        shown = [sheet.getpixel((int((i + 0.5) * sheet.width / 5), int(0.4 * sheet.height / 2))) for i in range(3)]
    assert shown == [(255, 255, 255), (255, 255, 255), (40, 40, 40)]


def test_a_sheet_marks_what_is_not_done(tmp_path: Path) -> None:
    red = np.full((64, 64, 3), [250, 20, 20], dtype=np.uint8)
    done, stopped = make_recipe(Unit(layer="a", index=0)), make_recipe(Unit(layer="a", index=1), steps=39)
    for i, recipe in enumerate((done, stopped, make_recipe(Unit(layer="a", index=2), activation=SILENT))):
        save_png(red, tmp_path / f"{i}.png", recipe)
    save_sheet(find_pictures(tmp_path), tmp_path / "sheet.png", columns=3)
    sheet = Image.open(tmp_path / "sheet.png").convert("RGB")
    cells = [np.asarray(sheet.crop((8 + i * 168, 8, 168 + i * 168, 168))) for i in range(3)]
    coloured = [bool((cell[:140, :, 0] > cell[:140, :, 1] + 100).all()) for cell in cells]
    assert coloured == [True, True, False]
    # White words on a dark strip.
    assert [bool((cell[144:].min(axis=2) > 200).any()) for cell in cells] == [False, True, True]
