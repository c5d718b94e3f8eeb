"""Texts and images as directions, and vocabularies that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.activations import directions
from clipdesk.activations.directions import (
    image_direction,
    text_directions,
    usual_concepts,
    vocabularies_of,
    vocabulary_of,
)
from clipdesk.activations.questions.concepts import concepts_of
from clipdesk.activations.questions.find import find
from clipdesk.activations.questions.sharpening import sharpened
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import square
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.activations.surveys import toy


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


def survey_of(opened: OpenModel) -> Survey:
    width = opened.inspector.get_layer_info("visual").units
    survey, _, _ = toy(300, 8, width)
    return survey


def test_the_embedded_models_have_lists_of_the_words_that_they_know(opened: OpenModel) -> None:
    assert usual_concepts(opened) == "english"
    assert usual_concepts(open_model("demo", "cpu")) == "scenes"
    assert usual_concepts(open_model("photo", "cpu")) == "photo"


def test_models_that_are_compared_read_one_list(opened: OpenModel) -> None:
    of_demo, of_small = vocabularies_of([open_model("demo", "cpu"), opened])
    assert of_demo.concepts == of_small.concepts == vocabulary_of(opened, "scenes").concepts
    assert (of_demo.reader, of_small.reader) == ("demo", str(opened.name))


def test_an_embedded_model_that_has_not_learnt_the_list_reads_its_own() -> None:
    photo, demo = open_model("photo", "cpu"), open_model("demo", "cpu")
    of_photo, of_demo = vocabularies_of([photo, demo])
    assert of_photo.concepts == concepts_of("photo")
    assert of_demo.concepts == concepts_of("scenes")
    named = vocabularies_of([photo, demo], "scenes")
    assert [each.concepts for each in named] == [concepts_of("scenes")] * 2, "what is asked for is read by both"


def test_a_text_of_the_list_is_its_sharpened_direction_and_another_one_is_added(opened: OpenModel) -> None:
    survey = survey_of(opened)
    listed = vocabulary_of(opened, "scenes")
    place = listed.index("heart")
    assert place is not None
    wanted = sharpened(survey.embeddings, listed, concepts=[place])[:, 0]
    assert np.array_equal(text_directions(opened, survey, "a heart", concepts="scenes"), wanted)
    other = text_directions(opened, survey, "an octopus", concepts="scenes")
    assert other.shape == wanted.shape
    assert len(find(survey, other, count=3)) == 3


def test_a_long_list_is_read_once(opened: OpenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "many.txt").write_text("\n".join(f"word {number}" for number in range(150)))
    first = vocabulary_of(opened, str(tmp_path / "many.txt"))
    with monkeypatch.context() as patch:
        patch.delattr(directions, "read_vocabulary")
        again = vocabulary_of(opened, str(tmp_path / "many.txt"))
    assert again.concepts == first.concepts
    assert np.array_equal(again.texts, first.texts)
    (kept,) = (tmp_path / "data" / "cache" / "vocabularies").iterdir()
    kept.write_bytes(kept.read_bytes()[:-50])
    assert np.array_equal(vocabulary_of(opened, str(tmp_path / "many.txt")).texts, first.texts), (
        "a damaged one is not used"
    )


def test_an_image_is_its_embedding(opened: OpenModel, tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    image.save(tmp_path / "x.png")
    with torch.no_grad():
        pixels = normalized(square(image, opened.side)[None], opened.normalization)
        wanted = torch.nn.functional.normalize(opened.network.get_submodule("visual")(pixels), dim=-1)[0].numpy()
    assert image_direction(opened, tmp_path / "x.png") == pytest.approx(wanted, abs=1e-5)
    with pytest.raises(UsageError, match="Cannot read"):
        image_direction(opened, tmp_path / "none.png")
