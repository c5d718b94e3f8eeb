"""The benchmark's measures, and what ClipDesk says of a few of the embedded model's layers against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from clip.model import CLIP

from benchmarks.words import (
    Areas,
    areas_of,
    by_scores,
    first_words,
    firsts,
    found_units,
    judged,
    peer_texts,
    right_words,
    semantic_lens,
    survey_of,
)
from clipdesk.activations.questions.concepts import concepts_of
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.survey import Survey
from clipdesk.demo.selectivity import CONCEPTS
from clipdesk.scenes.dataset import Kind, draw_scenes

LAYERS = ("visual.transformer.resblocks.0.mlp.gelu", "visual.transformer.resblocks.3.mlp.gelu")


@dataclass(frozen=True)
class Judged:
    survey: Survey
    areas: Areas
    vocabulary: Vocabulary
    model: CLIP


@pytest.fixture(scope="module")
def case(demo: CLIP) -> Judged:
    survey = survey_of(demo, LAYERS, draw_scenes(1_000, 11, Kind.SEEN, processes=1))
    areas = areas_of(demo, LAYERS, draw_scenes(600, 3, Kind.SEEN, processes=1))
    return Judged(survey, areas, read_vocabulary(demo, concepts_of("scenes"), reader="demo"), demo)


def test_the_first_word_of_a_unit_that_tells_one_value_is_that_value(case: Judged) -> None:
    share, count = right_words(first_words(case.survey, case.vocabulary, "probability"), case.areas)
    assert count > 100
    assert share >= 0.95


def test_the_first_word_is_more_often_right_than_that_of_any_other_reading(case: Judged) -> None:
    shares = {
        reading: right_words(first_words(case.survey, case.vocabulary, reading), case.areas)[0]
        for reading in ("probability", "cosine", "sparse", "wpmi")
    }
    assert max(shares, key=lambda reading: shares[reading]) == "probability"


def test_units_that_are_found_for_a_word_answer_to_it(case: Judged) -> None:
    search = found_units(case.survey, case.vocabulary, case.vocabulary, case.areas)
    assert search.words >= 20
    assert search.share >= 0.8


def test_words_and_units_are_more_often_right_than_semantic_lenses(case: Judged) -> None:
    theirs = semantic_lens(case.survey, peer_texts(case.model, case.vocabulary)["'a photo on a {} background'"])
    ours = first_words(case.survey, case.vocabulary, "probability")
    concepts = case.vocabulary.concepts
    assert right_words(ours, case.areas)[0] >= right_words(firsts(theirs, concepts), case.areas)[0]
    found = found_units(case.survey, case.vocabulary, case.vocabulary, case.areas)
    assert found.share >= by_scores(theirs, concepts, case.areas).share


def test_shares_are_counted_of_the_units_that_there_are() -> None:
    place = CONCEPTS.index(("background", "red"))
    areas = np.full((len(CONCEPTS), 20), 0.5)
    areas[place, :3] = 0.96, 0.99, 0.91
    areas[CONCEPTS.index(("shape", "star")), 7] = 0.97
    found = judged({"red": [("one", unit) for unit in (0, 5, 1, 9)], "star": [("one", 7)], "blue": []}, {"one": areas})
    assert (found.words, found.enough, found.missed) == (2, 1, ("red 2/3",))
    assert found.share == pytest.approx((2 / 3 + 1) / 2)
    share, count = right_words({("one", 0): "red", ("one", 1): "blue", ("one", 7): "star"}, {"one": areas})
    assert share == pytest.approx(2 / 3)
    assert count == 3
