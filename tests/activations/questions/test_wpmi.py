"""Soft WPMI, against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from clipdesk.activations.questions import wpmi
from clipdesk.activations.questions.wpmi import log_likelihoods, soft_wpmi
from tests.activations.surveys import LAYER, direct_survey, toy


def direct(
    tops: list[list[int]], z: NDArray[np.float64], texts: NDArray[np.float64], prior: float = 1.0
) -> NDArray[np.float64]:
    exponentials = np.exp(10 * z @ texts.T)
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    logs = np.array(
        [
            sum(
                np.log(1 + (0.998 - rank / 100 * (0.998 - 0.97)) * (shares[picture] - 1) + 1e-7)
                for rank, picture in enumerate(top)
            )
            for top in tops
        ]
    )
    return np.asarray(logs - prior * (np.logaddexp.reduce(logs, axis=0) - np.log(len(tops))))


def test_it_is_the_published_formula_over_the_layer() -> None:
    survey, a, z = toy(units=70)
    texts = np.random.default_rng(1).normal(size=(300, 16))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    tops = [np.argsort(-column, kind="stable")[:100].tolist() for column in a.T]
    statistics = survey.statistics[LAYER, "mean"]
    for prior in (1.0, 0.5):
        found = soft_wpmi(statistics.top, survey.embeddings, texts.astype(np.float32), prior=prior)
        assert_allclose(found, direct(tops, z, texts, prior), rtol=2e-3, atol=0.02)


def test_places_that_no_picture_has_taken_do_not_count() -> None:
    _, a, z = toy(count=40, units=3)
    survey = direct_survey({(LAYER, "mean"): a}, z)
    texts = np.eye(16)[:5]
    tops = [np.argsort(-column, kind="stable").tolist() for column in a.T]
    found = soft_wpmi(survey.statistics[LAYER, "mean"].top, survey.embeddings, texts.astype(np.float32))
    assert_allclose(found, direct(tops, z, texts), rtol=2e-3, atol=0.02)


def test_concepts_that_are_taken_in_parts_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    survey, a, z = toy(units=70)
    texts = np.random.default_rng(1).normal(size=(300, 16))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    tops = [np.argsort(-column, kind="stable")[:100].tolist() for column in a.T]
    monkeypatch.setattr(wpmi, "_HELD", 70 * len(z))
    monkeypatch.setattr(wpmi, "_PICTURES", 32)
    found = log_likelihoods(survey.statistics[LAYER, "mean"].top, survey.embeddings, texts.astype(np.float32))
    assert_allclose(found, direct(tops, z, texts, prior=0), rtol=1e-4)
