"""Correlations from sums are those that one computes from all pictures."""

from __future__ import annotations

import numpy as np

from clipdesk.activations.moments import EmbeddingMoments
from clipdesk.activations.statistics import Embeddings
from clipdesk.activations.survey import correlations
from tests.activations.test_sums import made, statistics_of, summed


def embeddings_of(moments: EmbeddingMoments) -> Embeddings:
    rows = np.empty((moments.count, len(moments.mean)), dtype=np.float16)
    return Embeddings(rows, moments.mean.numpy(), moments.scatter.numpy())


def test_a_units_correlation_with_any_direction_follows_from_the_sums() -> None:
    data = made(300, 3)
    sums, moments = summed(data, np.array_split(np.arange(300), 5))
    directions = np.random.default_rng(1).normal(size=(7, data.embeddings.shape[1]))
    found = correlations(statistics_of(sums, moments), embeddings_of(moments), directions)
    cosines = data.embeddings.astype(np.float64) @ directions.T
    wanted = np.corrcoef(cosines.T, data.values[:, :4].T.astype(np.float64))[:7, 7:]
    assert np.allclose(found[:, :4], wanted, atol=1e-5)
    # A unit that does not vary correlates with nothing.
    assert (found[:, 4] == 0).all()
