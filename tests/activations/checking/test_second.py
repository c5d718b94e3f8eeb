"""A second model beside the one that is checked."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PIL import Image

from clipdesk.activations.checking.known import known_target
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.errors import UsageError
from clipdesk.render.targets import Text, Unit
from tests.activations.checking.conftest import Setting
from tests.cli.surveys import LAYER


def test_top_pictures_are_nearer_than_others(setting: Setting) -> None:
    known = known_target(setting.opened, setting.survey, Unit(layer=LAYER, index=5))
    tops = [setting.reader.see(setting.picture(each), known).near for each in known.tops]
    others = [setting.reader.see(setting.picture(each), known).near for each in known.others[:8]]
    assert min(tops) > sum(others) / len(others)
    assert setting.reader.see(setting.picture(known.tops[0]), known).concepts == 0


def test_pictures_of_the_survey_are_read_once(setting: Setting) -> None:
    opened = setting.reader._opened
    read: list[int] = []

    def reading(index: int) -> Image.Image | None:
        read.append(index)
        return setting.shown.read(index)

    reader = SecondReader(opened, setting.survey, reading)
    known = known_target(setting.opened, setting.survey, Unit(layer=LAYER, index=5))
    first = reader.see(setting.picture(0), known)
    seen = len(read)
    assert reader.see(setting.picture(0), known) == first
    assert (len(read), len(set(read))) == (seen, seen)


def test_a_text_is_also_read_by_name(setting: Setting) -> None:
    known = known_target(setting.opened, setting.survey, Text(text="a red star"))
    opened = setting.reader._opened
    vocabulary = read_vocabulary(opened.network, ("star", "heart", "blue", "red"), reader="other")
    reader = SecondReader(opened, setting.survey, setting.shown.read, vocabulary=vocabulary)
    seen = reader.see(setting.picture(0), known)
    assert seen.concepts == 2, "all of the list but red and star"
    assert 0 <= seen.higher <= 2
    assert setting.reader.see(setting.picture(0), known).concepts == 0, "it has no list"


def test_embeddings_of_other_pictures_are_kept_on_the_disk(setting: Setting) -> None:
    known = known_target(setting.opened, setting.survey, Unit(layer=LAYER, index=5))
    first = setting.reader.see(setting.picture(0), known)
    # All pictures of so small a survey are among these.
    again = SecondReader(setting.reader._opened, setting.survey, lambda _: None)
    assert again.see(setting.picture(0), known) == first


def test_pictures_that_are_gone_leave_it_without_an_answer(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    known = known_target(setting.opened, setting.survey, Unit(layer=LAYER, index=5))
    reader = SecondReader(setting.reader._opened, setting.survey, lambda _: None)
    assert math.isnan(reader.see(setting.picture(0), known).near)


def test_a_model_does_not_read_its_own_pictures(setting: Setting) -> None:
    with pytest.raises(UsageError, match="has to be another one"):
        SecondReader(setting.opened, setting.survey, setting.shown.read)
