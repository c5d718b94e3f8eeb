"""All that a survey says of a unit, against the questions that it is made of and against the activations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipdesk.activations.questions.clusters import clusters
from clipdesk.activations.questions.examples import examples
from clipdesk.activations.questions.layer import COLUMNS, table
from clipdesk.activations.questions.similar import similar
from clipdesk.activations.questions.unit import QUANTILES, unit_answers
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import prepare, words
from clipdesk.errors import UsageError
from tests.activations.questions.test_words import planted
from tests.activations.surveys import LAYER, direct_survey, toy


def test_the_numbers_are_those_of_the_layers_table() -> None:
    survey, a, _ = toy()
    whole = table(survey, survey.statistics[LAYER, "mean"], rectified=True)
    for unit in (0, 7, 23):
        found = unit_answers(survey, LAYER, unit, rectified=True).numbers
        for column in (*COLUMNS, "nearest", "dead", "dense"):
            # Products of small matrices are summed up in another order than those of large ones.
            assert getattr(found, column) == pytest.approx(getattr(whole, column)[unit], rel=1e-5), column
        assert found.mean == pytest.approx(a[:, unit].mean())
        assert found.deviation == pytest.approx(a[:, unit].std())
        assert (found.least, found.most) == (a[:, unit].min(), a[:, unit].max())


def test_quantiles_and_histogram_are_those_of_the_activations() -> None:
    survey, a, _ = toy()
    found = unit_answers(survey, LAYER, 3, rectified=True)
    wide = found.histogram.edges[1] - found.histogram.edges[0]
    exact = np.quantile(a[:, 3], QUANTILES, method="inverted_cdf")
    np.testing.assert_allclose(found.numbers.quantiles, exact, atol=wide)
    np.testing.assert_array_equal(found.histogram.counts, np.histogram(a[:, 3], found.histogram.edges)[0])
    assert found.histogram.counts.sum() == len(a) == found.count
    assert found.histogram.counts[0] > 0 < found.histogram.counts[-1]


def test_the_parts_are_the_answers_to_the_single_questions() -> None:
    survey, vocabulary = planted()
    lexicon = prepare(survey, vocabulary)
    found = unit_answers(survey, LAYER, 4, rectified=False, lexicon=lexicon, count=3)
    assert found.examples == examples(survey, LAYER, 4, count=3)
    assert found.clusters.groups == clusters(survey, LAYER, 4).groups
    assert found.similar == similar(survey, LAYER, 4)
    assert found.words == words(lexicon, LAYER, [4])
    assert found.labels[0].concept == "concept 4"
    assert found.against is not None
    assert found.against.concept == "concept 4"
    assert found.rank(found.numbers.most * 2).ratio == pytest.approx(2)


def test_without_a_lexicon_and_for_a_constant_unit_there_are_no_words() -> None:
    survey, vocabulary = planted()
    assert unit_answers(survey, LAYER, 4, rectified=False).words is None
    constant = unit_answers(survey, LAYER, 12, rectified=False, lexicon=prepare(survey, vocabulary))
    assert (constant.labels, constant.against) == ((), None)
    assert constant.numbers.dead
    assert math.isnan(constant.numbers.redundancy)
    assert constant.histogram.counts.tolist() == [3000]


def test_words_of_another_models_reading_are_not_judged_by_pictures_that_are_counted_differently() -> None:
    survey, vocabulary = planted()
    other = prepare(planted()[0], vocabulary)
    found = unit_answers(survey, LAYER, 4, rectified=False, lexicon=other)
    assert found.labels
    assert found.against is None


def test_a_survey_of_one_picture_is_answered_too() -> None:
    survey = direct_survey({(LAYER, "mean"): np.array([[0.5, 0.0]])}, np.array([[0.6, 0.8]]))
    lexicon = prepare(survey, Vocabulary(("a", "b"), np.eye(2, dtype=np.float32)[None], "demo"))
    found = unit_answers(survey, LAYER, 0, rectified=False, lexicon=lexicon)
    assert [each.picture for each in found.examples.top] == [0]
    assert (found.labels, found.similar.within, found.similar.across) == ((), found.similar.within, ())
    assert found.numbers.quantiles == (0.5,) * 4


def test_an_unknown_unit_is_refused() -> None:
    survey, _, _ = toy()
    with pytest.raises(UsageError, match="has no unit 24"):
        unit_answers(survey, LAYER, 24, rectified=False)
