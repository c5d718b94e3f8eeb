"""Contact sheets of a unit's pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipdesk.activations.questions.examples import examples
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import open_survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import ClipDeskError
from clipdesk.export.example_sheet import save_example_sheet
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.reading import read_image
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def folder(tmp_path: Path, opened: OpenModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    *_, end = survey_images(opened, open_image_set(photos(tmp_path / "photos")), [LAYER, "visual"])
    assert end.folder is not None
    return end.folder


@pytest.mark.parametrize(
    ("layer", "pooling", "pictures"),
    [(LAYER, "mean", 2), (LAYER, "max", 2), (LAYER, "class", 1), ("visual", "mean", 1)],
)
def test_each_picture_stands_above_where_the_unit_fires(
    opened: OpenModel, folder: Path, tmp_path: Path, layer: str, pooling: Pooling, pictures: int
) -> None:
    survey = open_survey(folder)
    found = examples(survey, layer, 3, pooling=pooling, count=5, alike=1)
    done: list[tuple[int, int]] = []
    path = tmp_path / "sheet.png"
    sections = [("Top", found.top), ("Bottom", found.bottom)]
    away = save_example_sheet(
        opened, folder, survey, found, sections, path, lambda number, of: done.append((number, of))
    )
    assert (away, done[-1]) == (0, (10, 10))
    sheet = read_image(path)
    assert sheet.size == (5 * 136 + 8, 30 + 2 * 24 + 2 * (pictures * 128 + 40) + 8)
    first = np.asarray(sheet.crop((8, 54, 136, 182)), dtype=float)
    original = read_image(tmp_path / "photos" / survey.pictures[found.top[0].picture].place)
    assert np.abs(first - np.asarray(original.resize((128, 128)), dtype=float)).mean() < 12


def test_many_pictures_go_into_several_rows_and_thumbnails_are_counted(
    opened: OpenModel, folder: Path, tmp_path: Path
) -> None:
    survey = open_survey(folder)
    (tmp_path / "photos").rename(tmp_path / "away")
    found = examples(survey, LAYER, 3, count=20, alike=1)
    assert save_example_sheet(opened, folder, survey, found, [("Top", found.top)], tmp_path / "sheet.png") == 20
    assert read_image(tmp_path / "sheet.png").size == (12 * 136 + 8, 30 + 24 + 2 * (2 * 128 + 40) + 8)


def test_a_part_without_pictures_has_a_heading_and_says_so(opened: OpenModel, folder: Path, tmp_path: Path) -> None:
    survey = open_survey(folder)
    found = examples(survey, "visual", 3, count=4, alike=1)
    sections = [("Top", found.top), ("Bin 5", ()), ("Bottom", found.bottom)]
    save_example_sheet(opened, folder, survey, found, sections, tmp_path / "sheet.png")
    sheet = read_image(tmp_path / "sheet.png")
    assert sheet.size == (4 * 136 + 8, 30 + 3 * 24 + 2 * (128 + 40) + 16 + 8)
    above = 30 + 24 + 128 + 40
    heading, none = (np.asarray(sheet.crop((0, top, 100, top + 16))) for top in (above + 6, above + 24))
    assert heading.min() < 100
    assert 100 < none.min() < 200


def test_a_sheet_that_cannot_be_written_is_refused(opened: OpenModel, folder: Path, tmp_path: Path) -> None:
    survey = open_survey(folder)
    found = examples(survey, LAYER, 3, count=2)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ClipDeskError):
        save_example_sheet(opened, folder, survey, found, [("Top", found.top)], tmp_path / "file" / "sheet.png")
