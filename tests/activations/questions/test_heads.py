"""Words for what a head writes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.questions.heads import text_span
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.errors import UsageError

WIDTH, CONCEPTS = 32, 12


@pytest.fixture
def texts() -> NDArray[np.float64]:
    """Orthogonal texts, of which the last is close to the third."""
    rows = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, CONCEPTS)))[0].T
    rows[-1] = (rows[3] + 0.1 * rows[-1]) / np.linalg.norm(rows[3] + 0.1 * rows[-1])
    return np.asarray(rows, dtype=np.float64)


def vocabulary(texts: NDArray[np.float64]) -> Vocabulary:
    return Vocabulary(tuple(f"concept {n}" for n in range(len(texts))), texts[None].astype(np.float32), "demo")


def test_texts_are_taken_by_the_variance_that_their_directions_explain(
    texts: NDArray[np.float64],
) -> None:
    rng = np.random.default_rng(1)
    amounts = rng.normal(size=(400, 3)) * (3.0, 2.0, 1.0)
    written = amounts @ texts[[3, 7, 5]] + 5.0
    found = text_span(written, vocabulary(texts))
    assert [each.concept for each in found[:3]] == ["concept 3", "concept 7", "concept 5"]
    shares = amounts.var(axis=0) / amounts.var(axis=0).sum()
    assert [each.explained for each in found[:3]] == pytest.approx(shares, abs=0.05)
    assert sum(each.explained for each in found) == pytest.approx(1, abs=1e-6)
    assert "concept 11" not in [each.concept for each in found[:3]], "the third has taken its direction along"


def test_no_more_texts_are_taken_than_explain_something(
    texts: NDArray[np.float64],
) -> None:
    written = np.random.default_rng(1).normal(size=(400, 1)) * texts[7]
    assert [each.concept for each in text_span(written, vocabulary(texts))] == ["concept 7"]
    assert text_span(np.ones((400, WIDTH)), vocabulary(texts)) == ()
    some = np.random.default_rng(1).normal(size=(400, WIDTH))
    assert len(text_span(some, vocabulary(texts), count=4)) == 4


def test_texts_of_another_model_are_refused(texts: NDArray[np.float64]) -> None:
    with pytest.raises(UsageError, match="have 32 numbers, but what the head writes has 5"):
        text_span(np.zeros((9, 5)), vocabulary(texts))
