"""A layer's page."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from clipdesk.export.layer_page import layer_page
from clipdesk.export.rendered import Rendered
from tests.export.origins import layer_of, origin_of, photo_survey, thumbnails
from tests.recipes import make_recipe


def test_all_units_are_listed_in_their_order_with_numbers_and_words(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = layer_of(survey)
    told: list[tuple[int, int]] = []
    rendered = {4: Rendered(tmp_path / "x.png", Image.new("RGB", (64, 64)), make_recipe())}
    origin = origin_of(thumbnails(tmp_path / "s", survey), survey)
    (tmp_path / "page.html").write_bytes(layer_page(origin, answers, rendered, lambda *each: told.append(each)))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    units = [int(each) for each in re.findall(r'href="clipdesk://demo/visual.layer/(\d+)"', page)]
    assert units == list(answers.order)
    assert told[-1] == (15, 15)
    row = next(each for each in page.split("<tr>") if "visual.layer/4" in each)
    assert "concept 4" in row
    assert f"<td>{answers.table.clarity[4]:.3g}</td>" in row
    assert row.count("data:image/webp") == 2
    assert "<svg" in row
    (dead,) = answers.overview.dead.nonzero()[0].tolist()
    assert "<dt>dead</dt><dd>1 " in page
    assert "data:image/webp" not in next(each for each in page.split("<tr>") if f'visual.layer/{dead}"' in each)
    assert "<dt>units</dt><dd>15</dd>" in page
    assert 'href="clipdesk://demo/visual.layer"' in page


def test_columns_that_nothing_is_in_are_left_out(tmp_path: Path) -> None:
    survey = photo_survey()
    page = layer_page(origin_of(tmp_path, survey, photos=False), layer_of(survey), {}).decode()
    assert "rendered</th>" not in page
    assert "top</th>" not in page
    assert "words</th>" in page
    assert "secret" not in page


def test_hostile_names_and_words_are_text(tmp_path: Path) -> None:
    survey = photo_survey(hostile=True)
    page = layer_page(origin_of(tmp_path, survey), layer_of(survey, hostile=True), {}).decode()
    body = page.partition("</style>")[2]
    assert body.count("<script") == 1
    assert "window.ran" not in body.partition("<script>")[2]
    assert "onerror='" not in body
