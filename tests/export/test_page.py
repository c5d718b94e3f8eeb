import base64
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.checked import keep_check
from clipdesk.export.page import save_page
from clipdesk.export.png import save_png
from clipdesk.render.readable import Direction, ImageTarget
from clipdesk.render.targets import Combined, Target, Term, Text, Unit
from tests.export.check_records import make_check
from tests.recipes import SILENT, WORSE, make_recipe

CURVE = np.linspace(-1, 2, 500, dtype=np.float32)
PIXELS = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
LONG = make_recipe().settings.model_copy(update={"iterations": 5000})


def data_of(page: Path) -> dict[str, Any]:
    """The JSON in a page, found as a browser does: up to the first thing that ends the script element."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script', page.read_text(), re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


def numbers(text: str) -> list[int]:
    return [int(n) for n in np.frombuffer(base64.b64decode(text), dtype="<u2")]


def test_every_picture_is_in_the_page_with_recipe_and_curve(tmp_path: Path) -> None:
    recipe = make_recipe(Unit(layer="visual", index=7), steps=len(CURVE))
    save_png(np.full_like(PIXELS, 90), tmp_path / "a 7%.png", recipe, CURVE)
    save_png(PIXELS, tmp_path / "b.png", make_recipe(Unit(layer="visual", index=3)))
    assert save_page(tmp_path, tmp_path / "page.html") == 2
    without, having = data_of(tmp_path / "page.html")["pictures"]
    assert (without["recipe"]["target"]["index"], without["curve"]) == (3, None)
    assert having["recipe"] == json.loads(recipe.to_json())
    assert (having["href"], having["command"]) == ("./a%207%25.png", "clipdesk render --from 'a 7%.png'")
    shown = Image.open(io.BytesIO(base64.b64decode(having["image"])), formats=["WEBP"])
    assert (shown.size, shown.getpixel((9, 9))) == ((64, 64), (90, 90, 90))
    values = np.array(numbers(having["curve"]["values"])) / 65535 * 3 - 1
    assert np.abs(values - CURVE).max() < 1e-4
    assert "steps" not in having["curve"]


def test_a_check_that_was_kept_is_in_the_page(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe())
    save_page(tmp_path, tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["pictures"][0]["check"] is None
    keep_check(tmp_path / "a.png", make_check("no", "</script>"))
    save_page(tmp_path, tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["pictures"][0]["check"] == {"verdict": "no", "why": "</script>"}


def test_a_long_curve_keeps_its_extremes(tmp_path: Path) -> None:
    curve = np.random.default_rng(1).normal(size=5000).astype(np.float32)
    curve[[1234, 4321]] = 9, -9
    save_png(PIXELS, tmp_path / "a.png", make_recipe(settings=LONG), curve)
    save_page(tmp_path, tmp_path / "page.html")
    packed = data_of(tmp_path / "page.html")["pictures"][0]["curve"]
    steps, values = numbers(packed["steps"]), numbers(packed["values"])
    assert len(steps) == len(values) <= 514
    assert (steps[0], steps[-1]) == (1, 5000)
    assert (values[steps.index(1235)], values[steps.index(4322)]) == (65535, 0)


def test_a_level_curve(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", make_recipe(steps=3), np.full(3, 2, dtype=np.float32))
    save_page(tmp_path, tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["pictures"][0]["curve"] == {"low": 2.0, "high": 2.0, "values": "AAAAAAAA"}


def test_pictures_are_made_smaller_if_the_page_would_be_too_large(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    for i in range(8):
        save_png(noise, tmp_path / f"{i}.png", make_recipe(), CURVE)
    sides = {}
    for megabytes in (0.2, 30):
        save_page(tmp_path, tmp_path / "page.html", megabytes=megabytes)
        first = data_of(tmp_path / "page.html")["pictures"][0]
        sides[megabytes] = first["side"]
        assert Image.open(io.BytesIO(base64.b64decode(first["image"]))).width == first["side"]
        assert (tmp_path / "page.html").stat().st_size < megabytes * 1e6
    assert sides[30] == 512
    assert sides[0.2] < 256


def test_untrusted_text_cannot_become_markup(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!--<script>\u2028$style"
    folder = tmp_path / "<b>&$data"
    folder.mkdir()
    save_png(PIXELS, folder / "$(touch x);'.png", make_recipe(Text(text=hostile), model=hostile))
    save_page(folder, folder / "page.html")
    text = (folder / "page.html").read_text()
    assert re.findall(r"<script[^>]*>", text) == ['<script type="application/json" id="data">', "<script>"]
    assert "<h1>&lt;b&gt;&amp;$data</h1>" in text
    (entry,) = data_of(folder / "page.html")["pictures"]
    assert (entry["recipe"]["model"], entry["recipe"]["target"]["text"]) == (hostile, hostile)
    assert entry["command"] == """clipdesk render --from '$(touch x);'"'"'.png'"""
    assert entry["href"] == "./%24%28touch%20x%29%3B%27.png"


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
def test_a_file_name_that_is_not_unicode_is_linked(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"f\xff")
    folder.mkdir()
    save_png(PIXELS, folder / "a.png", make_recipe())
    (folder / "a.png").rename(folder / os.fsdecode(b"\xff.png"))
    save_page(folder, tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["pictures"][0]["href"] == "./f%FF/%FF.png"


def test_links_are_relative_to_the_page(tmp_path: Path) -> None:
    for name in ("out", "pages"):
        (tmp_path / name).mkdir()
    save_png(PIXELS, tmp_path / "out" / "a.png", make_recipe())
    save_page(tmp_path / "out", tmp_path / "pages" / "page.html")
    assert data_of(tmp_path / "pages" / "page.html")["pictures"][0]["href"] == "./../out/a.png"


def test_a_page_needs_pictures_and_a_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not contain a picture"):
        save_page(tmp_path, tmp_path / "page.html")
    save_png(PIXELS, tmp_path / "a.png", make_recipe())
    with pytest.raises(ClipDeskError, match="Cannot write"):
        save_page(tmp_path, tmp_path / "none" / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_targets_of_every_kind_have_their_label(tmp_path: Path) -> None:
    targets: list[Target] = [
        Text(text="a star"),
        Unit(layer="visual", index=7),
        Combined(terms=(Term(what=Unit(layer="visual", index=7), at="max"),)),
        Combined(terms=(Term(what=Direction(layer="visual", vector=(1.0, 2.0), name="cats.npy")),)),
        Combined(terms=(Term(what=ImageTarget(path="/a/cat.png")), Term(what=Text(text="a dog"), weight=-2.0))),
    ]
    for i, target in enumerate(targets):
        save_png(PIXELS, tmp_path / f"{i}.png", make_recipe(target))
    save_page(tmp_path, tmp_path / "page.html")
    found = {picture["href"]: picture for picture in data_of(tmp_path / "page.html")["pictures"]}
    labels = [found[f"./{i}.png"]["label"] for i in range(5)]
    assert labels == [
        '"a star"',
        "visual:7",
        "visual:7@max",
        "visual:[cats.npy]",
        'image:[cat.png] - 2*"a dog"',
    ]
    assert [found[f"./{i}.png"]["name"] for i in range(3)] == ["a star", "7", "visual:7@max"]
    assert found["./3.png"]["recipe"]["target"]["terms"][0]["what"] == {
        "kind": "direction",
        "layer": "visual",
        "name": "cats.npy",
    }


def test_a_very_large_picture_is_smaller_in_the_page(tmp_path: Path) -> None:
    save_png(np.zeros((4096, 4096, 3), dtype=np.uint8), tmp_path / "a.png", make_recipe())
    save_page(tmp_path, tmp_path / "page.html")
    (picture,) = data_of(tmp_path / "page.html")["pictures"]
    assert (picture["width"], picture["side"]) == (4096, 2048)
    assert Image.open(io.BytesIO(base64.b64decode(picture["image"]))).size == (2048, 2048)


def test_the_page_knows_what_became_of_pictures(tmp_path: Path) -> None:
    recipes = [make_recipe(), make_recipe(steps=39), make_recipe(activation=SILENT), make_recipe(activation=WORSE)]
    for i, recipe in enumerate(recipes):
        target = Unit(layer="a", index=i)
        save_png(PIXELS, tmp_path / f"{i}.png", recipe.model_copy(update={"target": target}))
    save_page(tmp_path, tmp_path / "page.html")
    pictures = data_of(tmp_path / "page.html")["pictures"]
    assert [(picture["outcome"], picture["useful"]) for picture in pictures] == [
        ("", True),
        ("stopped at 39", True),
        ("nothing excited it", False),
        ("found nothing better than noise", False),
    ]
