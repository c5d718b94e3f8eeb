"""The pages of units and layers, from a survey to the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.questions.words import prepare
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import UsageError
from clipdesk.export.composer import Composer
from clipdesk.export.png import save_png
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.pool import open_model
from clipdesk.render.targets import Unit
from tests.cli.surveys import LAYER, photos
from tests.recipes import make_recipe

HEADS = "visual.transformer.resblocks.1.attn.heads"


@pytest.fixture
def composer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> Composer:
    """What makes pages of a survey of two layers, one of heads; without words."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    opened = open_model(checkpoint, "cpu")
    list(survey_images(opened, open_image_set(photos(tmp_path / "photos")), [LAYER, HEADS]))
    ((folder, _),) = all_surveys()
    return Composer(opened, folder, open_survey(folder), None, tmp_path / "none", photos=True)


def test_the_suffix_says_what_is_written(composer: Composer, tmp_path: Path) -> None:
    for page, name in ((composer.unit(LAYER, 5), "unit"), (composer.layer(LAYER), "layer")):
        page.save(tmp_path / f"{name}.html")
        page.save(tmp_path / f"{name}.JSON")
        assert (tmp_path / f"{name}.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert json.loads((tmp_path / f"{name}.JSON").read_text(encoding="utf-8")) == page.as_json()


def test_a_model_without_words_has_pages_all_the_same(composer: Composer) -> None:
    assert composer.unit(LAYER, 5).as_json()["words"] == []
    assert composer.unit(HEADS, 0).as_json()["writes"] == []


def test_a_unit_is_read_in_the_pooling_that_is_asked_for(composer: Composer) -> None:
    usual, largest = composer.unit(LAYER, 5).as_json(), composer.unit(LAYER, 5, "max").as_json()
    assert (usual["pooling"], largest["pooling"]) == ("mean", "max")
    assert usual["top"] != largest["top"]


def test_a_head_is_shown_with_what_it_writes_and_looks_at(composer: Composer) -> None:
    lexicon = prepare(composer.survey, vocabulary_of(composer.opened, "scenes"))
    told: list[str] = []
    full = Composer(
        composer.opened, composer.folder, composer.survey, lexicon, composer.results, photos=True, note=told.append
    )
    page = full.unit(HEADS, 0)
    assert len(page.as_json()["writes"]) > 3
    assert page.as_html().count(b'alt="attention"') > 5
    (composer.folder / "thumbnails.sqlite").unlink()
    assert full.unit(HEADS, 0).as_json()["writes"] == []
    assert "thumbnails" in told[0], "what the page has to do without"


def test_a_layer_that_the_survey_does_not_have_is_said(composer: Composer) -> None:
    with pytest.raises(UsageError, match="no layer"):
        composer.layer("visual")


def test_a_rendered_picture_is_checked_beside_the_survey(composer: Composer, tmp_path: Path) -> None:
    recipe = make_recipe(Unit(layer=LAYER, index=5)).model_copy(update={"weights": composer.survey.weights})
    save_png(np.full((32, 32, 3), 90, np.uint8), tmp_path / "a.png", recipe)
    page = replace(composer, results=tmp_path).unit(LAYER, 5)
    check = page.as_json()["rendered"]["check"]
    assert check["verdict"] in ("doubt", "no"), "no other model has read it"
    assert (check["survey"], check["pictures"]) == (composer.folder.name, 24)
    assert f"<b>{check['verdict'].capitalize()}: ".encode() in page.as_html()
