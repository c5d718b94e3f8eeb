"""Each question of the window, against the questions that it is made of."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP
from PySide6.QtGui import QImage

from clipdesk.activations.measuring import activations_in
from clipdesk.activations.questions.overview import Overview
from clipdesk.activations.questions.words import words as words_of_units
from clipdesk.activations.storing import all_surveys
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import Cancelled, UsageError
from clipdesk.gui.surveys import questions
from clipdesk.gui.surveys.asked import AskedSurvey
from clipdesk.gui.surveys.data import PooledUnit, Question
from clipdesk.gui.surveys.open_survey import SIDE
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.names import parse_name, with_latents
from clipdesk.network.latents.sae_lens import write_sae_lens
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, save_twin
from tests.gui.surveys.conftest import OTHER
from tests.network.latents.perfect import perfect


def read_words(asked: AskedSurvey) -> None:
    asked.read_words(lambda _done, _total: None)


def test_units_are_found_by_a_text_and_shown_with_their_top_pictures(asked: AskedSurvey) -> None:
    found = asked.find(Question(text="a heart"))
    assert found == sorted(found, key=lambda each: -each.correlation)
    assert {each.pooled.layer for each in found} == {LAYER, OTHER}
    layer, unit, pooling = found[0].pooled
    assert pooling is not None
    top = asked.survey.statistics[layer, pooling].top
    assert found[0].pictures == tuple(top.pictures[unit, :4].tolist()), "as it was found"
    here = asked.find(Question(text="a heart", layer=OTHER))
    assert {each.pooled.layer for each in here} == {OTHER}


def test_of_a_found_unit_only_pictures_that_excite_it_are_shown(asked: AskedSurvey) -> None:
    own = asked.survey.statistics[LAYER, "mean"]
    values = own.top.values.copy()
    values[:, 2:] = 0
    sparse = replace(own, top=replace(own.top, values=values), least=0 * own.least)
    asked.survey = replace(asked.survey, statistics={(LAYER, "mean"): sparse})
    first, *_ = asked.find(Question(text="a heart"))
    assert first.pictures == tuple(own.top.pictures[first.pooled.unit, :2].tolist())


def test_units_are_found_by_an_image_and_by_another_unit(asked: AskedSurvey, images: Path) -> None:
    photo = images / "cats" / "00.png"
    found = asked.find(Question(image=photo))
    assert 0 < len(found) <= 24
    maps = dict(asked.heat_of_image(photo, found))
    assert all(image.width() == SIDE for image in maps.values())
    assert set(maps) == set(range(len(found)))
    like = asked.find(Question(unit=PooledUnit(LAYER, 3)))
    assert (LAYER, 3) not in {each.pooled[:2] for each in like}


def test_an_image_that_cannot_be_read_is_said(asked: AskedSurvey, images: Path) -> None:
    with pytest.raises(UsageError, match="broken0"):
        asked.find(Question(image=images / "cats" / "broken0.jpg"))


def test_units_of_other_models_over_the_same_images_are_found(
    asked: AskedSurvey, images: Path, tmp_path: Path, vit: CLIP
) -> None:
    assert asked.counterparts(PooledUnit(LAYER, 3)) == [], "there is no other survey"
    twin = tmp_path / "twin.pt"
    save_twin(vit, twin)
    list(survey_images(open_model(twin, "cpu"), open_image_set(images), [LAYER]))
    first, *rest = asked.counterparts(PooledUnit(LAYER, 3, "max"))
    assert (first.pooled, first.model) == (PooledUnit(LAYER, 3, "max"), str(twin))
    assert first.name == "twin.pt 1.mlp.gelu:3"
    assert first.correlation > 0.99
    assert first.correlation >= rest[0].correlation
    assert len(rest) == 7
    top = asked.survey.statistics[LAYER, "max"].top.pictures[3, :4]
    assert set(first.pictures) == set(top.tolist()), "indices of this survey"
    known = asked.relatives()
    assert asked.relatives() is known, "they are not opened again for each unit"
    shutil.rmtree(next(folder for folder, manifest in all_surveys() if manifest.model == str(twin)))
    assert asked.counterparts(PooledUnit(LAYER, 3)) == []


def test_a_head_is_said_to_write_words(asked: AskedSurvey, images: Path, checkpoint: Path) -> None:
    assert not asked.is_of_heads(LAYER)
    heads = "visual.transformer.resblocks.1.attn.heads"
    list(survey_images(open_model(checkpoint, "cpu"), open_image_set(images), [heads]))
    ((folder, manifest),) = [each for each in all_surveys() if each[0] != asked.folder]
    of_heads = AskedSurvey.open(folder, manifest, asked.model)
    assert of_heads.is_of_heads(heads)
    written = of_heads.words_written(PooledUnit(heads, 0))
    assert written is not None
    assert len(written.words) > 3
    assert 0 < sum(word.pearson for word in written.words) <= 1
    assert asked.words_written(PooledUnit(LAYER, 0)) is None


def test_a_latent_is_said_to_write_words_where_texts_are_or_why_not(
    images: Path, checkpoint: Path, scenes_words: None, tmp_path: Path
) -> None:
    plain = open_model(checkpoint, "cpu")
    width = plain.inspector.visualizable("visual").units
    saes = [write_sae_lens(perfect(*each), tmp_path / each[1]) for each in ((width, "visual"), (64, "1"))]
    name = with_latents(parse_name(str(checkpoint)), list(map(str, saes)))
    at_the_end, inside = "visual.latents", "visual.transformer.resblocks.1.latents"
    list(survey_images(open_model(str(name), "cpu"), open_image_set(images), [at_the_end, inside]))
    ((folder, manifest),) = all_surveys()
    asked = AskedSurvey.open(folder, manifest, name)
    assert [asked.writes_words(each) for each in (at_the_end, inside)] == [True, False]
    written = asked.words_written(PooledUnit(at_the_end, 2))
    assert written is not None
    assert len(written.words) == 5
    assert 1 >= written.words[0].pearson > written.words[4].pearson
    elsewhere = asked.words_written(PooledUnit(inside, 2))
    assert elsewhere is not None
    assert elsewhere.words == ()
    assert elsewhere.reason.endswith("with the image embedding, and it writes into layer 1")


def test_a_layer_has_numbers_first_and_words_when_they_are_read(asked: AskedSurvey) -> None:
    facts = asked.layer_facts(LAYER)
    statistics = asked.survey.statistics[LAYER, "mean"]
    np.testing.assert_array_equal(facts.table.density, statistics.densities)
    np.testing.assert_array_equal(facts.tops, statistics.top.pictures[:, 0])
    assert facts.overview.units == statistics.units == len(facts.counts)
    assert facts.words == ()
    assert asked.with_words(facts) is facts
    read_words(asked)

    def close() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        asked.with_words(facts, close)
    words = asked.with_words(facts).words
    assert asked.lexicon is not None
    listed = words_of_units(asked.lexicon, LAYER, count=1).units
    assert [word and word.concept for word in words] == [
        each.labels[0].concept if each.labels else None for each in listed
    ]
    assert len(words) == statistics.units
    assert {word.concept for word in words if word is not None} <= set(asked.read_words(print).vocabulary.concepts)


def test_a_rendered_picture_is_measured_as_the_survey_measures(asked: AskedSurvey, images: Path) -> None:
    photo = images / "dogs" / "01.png"
    value, words = asked.judgement(PooledUnit(LAYER, 5), photo)
    assert value == pytest.approx(activations_in(asked.opened(), LAYER, [photo], pooling="mean")[0, 5])
    assert "of 24 pictures" in words
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    assert np.isfinite(asked.judgement(PooledUnit(LAYER, 5), pixels)[0])


def test_a_surprise_is_a_unit_of_the_survey(asked: AskedSurvey) -> None:
    for _ in range(5):
        layer, unit, _ = asked.surprise()
        assert layer in (LAYER, OTHER)
        assert 0 <= unit < asked.survey.statistics[layer, "mean"].units


def test_thumbnails_stay_in_memory_and_one_that_is_gone_is_empty(asked: AskedSurvey) -> None:
    first = asked.thumbnail(0)
    assert isinstance(first, QImage)
    assert not first.isNull()
    assert asked.thumbnail(0) is first
    (asked.folder / "thumbnails.sqlite").unlink()
    assert asked.thumbnail(1).isNull()
    assert asked.thumbnail(0) is first


def test_where_a_unit_fires_is_shown_in_each_picture(asked: AskedSurvey) -> None:
    heat = asked.heat(LAYER, 5, [0, 3])
    assert set(heat) == {0, 3}
    assert heat[0].over.width() == heat[0].crop.width() == SIDE
    assert asked.heat("visual", 5, [0]) == {}, "an embedding has no places"


def none_clear(units: int) -> Overview:
    none = np.zeros(units, dtype=bool)
    return Overview(units, 0.0, none, none, none, none)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_surprise_is_a_unit_of_its_layer_where_none_is_clear(
    images: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    narrow = "visual.transformer.resblocks.0.attn"
    list(survey_images(open_model(checkpoint, "cpu"), open_image_set(images), [LAYER, narrow]))
    ((folder, manifest),) = all_surveys()
    asked = AskedSurvey.open(folder, manifest, parse_name(str(checkpoint)))
    units = {file.layer: file.units for file in manifest.layers}
    assert units[narrow] < units[LAYER]
    monkeypatch.setattr(questions, "_MANY", 1)
    monkeypatch.setattr(questions, "overview", lambda numbers, _: none_clear(len(numbers.dead)))
    monkeypatch.setattr(random, "sample", lambda names, _: sorted(names, key=units.__getitem__)[::turn])
    monkeypatch.setattr(random, "randrange", lambda end: end - 1)
    layer, unit, _ = asked.surprise()
    assert unit == units[layer] - 1
