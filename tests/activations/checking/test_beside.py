"""What targets are compared with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipdesk.activations.checking.beside import beside, named_by
from clipdesk.activations.checking.known import Outputs, known_target
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.render.expressions import parse_target
from tests.activations.checking.conftest import BEFORE, Setting
from tests.cli.surveys import LAYER

CONCEPTS = ("star", "heart", "red")


def test_a_unit_is_compared_with_the_others_of_its_layer(setting: Setting) -> None:
    known = known_target(setting.opened, setting.survey, parse_target(f"{LAYER}:5"))
    found = beside(setting.survey, known, None)
    assert found is not None
    statistics = setting.survey.statistics[LAYER, "mean"]
    assert (found.what, found.count) == ("units of the layer", statistics.units - 1)
    values = (statistics.means + 2 * statistics.deviations)[None].astype(np.float32)
    values[0, 7] += statistics.deviations[7]
    outputs = Outputs({(LAYER, "mean"): values}, np.zeros((1, 64), np.float32))
    assert found.higher(outputs, 2.5) == 1


def test_a_text_is_compared_with_the_concepts_that_it_does_not_name(setting: Setting) -> None:
    vocabulary = read_vocabulary(setting.opened.network, CONCEPTS, reader="small")
    known = known_target(setting.opened, setting.survey, parse_target('"a red star"'))
    found = beside(setting.survey, known, vocabulary)
    assert found is not None
    assert (found.what, found.count) == ("concepts", 1)
    rows = setting.survey.embeddings.unit_rows(np.arange(64))
    heights = found.heights(Outputs({}, rows))
    assert heights.shape == (64, 1)
    assert float(heights.mean()) == pytest.approx(0, abs=0.05)
    assert float(heights.std()) == pytest.approx(1, abs=0.05)
    assert found.higher(Outputs({}, rows[:1]), -math.inf) == 1


def test_what_reads_several_layers_is_compared_with_nothing(setting: Setting) -> None:
    for written in (f"{LAYER}:5 + {BEFORE}:5", f'{LAYER}:5 + "a star"', '"a star"'):
        known = known_target(setting.opened, setting.survey, parse_target(written))
        assert beside(setting.survey, known, None) is None


@pytest.mark.parametrize(("concept", "named"), [("star", True), ("Red", True), ("red star", True), ("sta", False)])
def test_a_text_names_concepts_by_their_words(concept: str, named: bool) -> None:
    assert named_by("a photo of a red star", concept) is named
