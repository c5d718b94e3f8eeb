"""Checks that are kept in pictures and metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from clipdesk.errors import UsageError
from clipdesk.export.checked import keep_check
from clipdesk.export.metadata import BatchMetadata, UnitRecord
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import CHECK_KEY, RECIPE_KEY, read_png, save_png
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.export.check_records import make_check
from tests.recipes import make_recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
CURVE = np.linspace(0, 1, 7, dtype=np.float32)
UNIT = Unit(layer="visual.a", index=3)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_check_is_kept_in_the_picture_and_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    recipe = make_recipe(Text(text="a star"), make_settings(iterations=7))
    save_png(PIXELS, path, recipe, CURVE)
    assert read_png(path).check is None
    keep_check(path, make_check("trust"))
    keep_check(path, make_check("doubt"))
    found = read_png(path)
    assert (found.recipe, found.check) == (recipe, make_check("doubt"))
    assert found.curve is not None
    assert np.array_equal(found.curve, CURVE)
    assert np.array_equal(found.whole, PIXELS)
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_metadata_have_the_check_and_the_new_checksum_where_the_picture_is(tmp_path: Path) -> None:
    writer = MetadataWriter(tmp_path, UNIT.layer, "demo")
    for seed, name in ((1, "a.png"), (2, "b.png")):
        save_png(PIXELS, tmp_path / name, make_recipe(UNIT, make_settings(seed=seed)))
        digest = sha256(tmp_path / name)
        writer.note(3, UnitRecord(status="done", parameters=make_settings(seed=seed), file=name, sha256=digest))
    before = BatchMetadata.open(tmp_path, UNIT.layer, "demo").records(3)
    keep_check(tmp_path / "a.png", make_check())
    after = BatchMetadata.open(tmp_path, UNIT.layer, "demo").records(3)
    assert after[1] == before[1], "the other picture"
    assert after[0] == before[0].model_copy(update={"check": make_check(), "sha256": sha256(tmp_path / "a.png")})
    writer.settle()
    assert BatchMetadata.open(tmp_path, UNIT.layer, "demo").records(3) == after
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "b.png", "visual.a_metadata.json"]


def test_damaged_metadata_leave_the_picture_as_it_is(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe(UNIT))
    (tmp_path / "visual.a_metadata.json").write_text("{")
    before = sha256(tmp_path / "a.png")
    with pytest.raises(UsageError, match="is damaged"):
        keep_check(tmp_path / "a.png", make_check())
    assert sha256(tmp_path / "a.png") == before


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"verdict": "yes"}'])
def test_a_malformed_check_is_passed_over(tmp_path: Path, text: str) -> None:
    texts = PngInfo()
    texts.add_itxt(RECIPE_KEY, make_recipe().to_json())
    texts.add_itxt(CHECK_KEY, text)
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=texts)
    assert read_png(tmp_path / "a.png").check is None
    assert read_png(tmp_path / "a.png").recipe == make_recipe()
