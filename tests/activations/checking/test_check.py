"""Verdicts and their words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.ranking import Rank

GOOD = Rank(2.0, 5000, 5000, 1.4)
UNITS = "units of the layer"
SEEN = Seen("demo-rn", 0.8)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (Check(GOOD, 1, UNITS, 768, 0.9, 0.8, SEEN), "trust", "superstimulus"),
        (Check(Rank(1.0, 4990, 5000, 0.9), 1, UNITS, 768, 0.9, 0.8, SEEN), "trust", "more than 99.8 % of 5,000"),
        (Check(GOOD, 30, UNITS, 768, 0.9, 0.8, SEEN), "doubt", "30 of 768 units of the layer stand higher in it"),
        (Check(GOOD, 1, UNITS, 768, 0.3, 0.8, SEEN), "doubt", "leave 30 % of the activation"),
        (Check(GOOD, 1, UNITS, 768, 0.9, 0.1, SEEN), "doubt", "another way through the layers"),
        (Check(GOOD, 1, UNITS, 768, 0.9, 0.8, Seen("demo-rn", 0.1)), "doubt", "demo-rn sees something else"),
        (Check(GOOD, 0, "concepts", 30, 0.9, 0.8, Seen("rn", 0.9, 4, 30)), "doubt", "rn sees 4 of 30 concepts in it"),
        (Check(GOOD, 1, UNITS, 768, 0.9, 0.8), "doubt", "no other model has read it"),
        (Check(Rank(0.5, 4700, 5000, 0.4), 1, UNITS, 768, 0.9, 0.8, SEEN), "doubt", "more than 94.0 %"),
        (Check(Rank(0.0, 400, 5000, math.nan), 500, UNITS, 768, math.nan, -0.2, SEEN), "no", "more than 8.0 %"),
        (Check(GOOD, 1, UNITS, 768, -0.1, 0.8, SEEN), "no", "leave 0 % of the activation"),
    ],
)
def test_the_verdict_names_its_reasons(found: Check, verdict: str, words: str) -> None:
    assert found.verdict == verdict
    assert found.in_words.startswith(verdict.capitalize())
    assert words in found.in_words


def test_the_score_falls_with_everything_that_speaks_against_a_picture() -> None:
    best = Seen("demo-rn", 1.0, 0, 30)
    scores = [
        Check(GOOD, 0, UNITS, 768, 1.0, 1.0, best).score,
        Check(GOOD, 9, UNITS, 768, 1.0, 1.0, best).score,
        Check(GOOD, 9, UNITS, 768, 0.5, 1.0, best).score,
        Check(GOOD, 9, UNITS, 768, 0.5, 0.2, best).score,
        Check(GOOD, 9, UNITS, 768, 0.5, 0.2, Seen("demo-rn", 0.5, 0, 30)).score,
        Check(GOOD, 9, UNITS, 768, 0.5, 0.2, Seen("demo-rn", 0.5, 9, 30)).score,
        Check(Rank(0.1, 4600, 5000, 0.1), 9, UNITS, 768, 0.5, 0.2, Seen("demo-rn", 0.5, 9, 30)).score,
    ]
    assert scores[0] == 1
    assert np.all(np.diff(scores) < 0)


def test_what_is_not_known_does_not_count() -> None:
    assert Check(GOOD, 0, "", 0, math.nan, math.nan, Seen("demo-rn", math.nan)).score == 1
