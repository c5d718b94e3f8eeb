"""Numbers of units, each against its definition."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clipdesk.activations.questions.measures import (
    clarities,
    class_selectivities,
    kurtoses,
    monosemanticities,
    redundancies,
    sparsenesses,
)
from tests.activations.surveys import LAYER, direct_survey, toy


def test_kurtosis_is_that_of_the_values() -> None:
    survey, a, _ = toy(units=6)
    centered = a - a.mean(axis=0)
    direct = (centered**4).mean(axis=0) / (centered**2).mean(axis=0) ** 2 - 3
    # A value counts as the middle of its bin.
    assert_allclose(kurtoses(survey.statistics[LAYER, "mean"].histogram), direct, atol=0.05)


def test_sparseness_is_that_of_the_values() -> None:
    survey, a, _ = toy(units=6)
    shifted = a - a.min(axis=0)
    direct = (1 - shifted.mean(axis=0) ** 2 / (shifted**2).mean(axis=0)) / (1 - 1 / len(a))
    assert_allclose(sparsenesses(survey.statistics[LAYER, "mean"]), direct, rtol=1e-5)


def test_sparseness_is_1_for_a_single_picture_and_0_for_all_but_one() -> None:
    a = np.zeros((100, 2))
    a[5, 0] = 3.0
    a[:, 1] = 1.0
    a[0, 1] = 0.0
    found = sparsenesses(
        direct_survey({(LAYER, "mean"): a}, np.random.default_rng(0).normal(size=(100, 4))).statistics[LAYER, "mean"]
    )
    assert_allclose(found, [1.0, 0.01 / 0.99], rtol=1e-5)


def test_class_selectivity_is_that_of_the_means_of_the_classes() -> None:
    survey, a, _ = toy(units=6)
    labels = [f"class {index % 7}" for index in range(len(a))]
    statistics, chosen = survey.statistics[LAYER, "mean"], [labels[index] for index in survey.sample]
    found = class_selectivities(statistics, chosen)
    values = statistics.sample.astype(np.float64) - statistics.least[:, None].astype(np.float64)
    means = np.stack([values[:, np.array(chosen) == name].mean(axis=1) for name in sorted(set(chosen))])
    best = means.max(axis=0)
    others = (means.sum(axis=0) - best) / 6
    assert found is not None
    assert_allclose(found, (best - others) / (best + others), rtol=1e-5)


def test_classes_with_few_pictures_and_pictures_without_a_class_do_not_count() -> None:
    survey, _, _ = toy(units=6)
    statistics, count = survey.statistics[LAYER, "mean"], len(survey.sample)
    assert class_selectivities(statistics, [""] * count) is None
    assert class_selectivities(statistics, ["one"] * count) is None
    assert class_selectivities(statistics, ["one"] * (count - 3) + ["two"] * 3) is None
    assert class_selectivities(statistics, ["one"] * (count - 4) + ["two"] * 4) is not None


def test_clarity_is_the_mean_cosine_of_all_pairs() -> None:
    survey, a, z = toy(units=6)
    found = clarities(survey.statistics[LAYER, "mean"], survey.embeddings)
    for unit in range(6):
        top = z[np.argsort(-a[:, unit], kind="stable")[:100]]
        pairs = [float(one @ other) for one, other in combinations(top, 2)]
        # The embeddings are kept in float16.
        assert found[unit] == pytest.approx(np.mean(pairs), abs=1e-4)


def test_places_that_no_picture_has_taken_do_not_count_in_clarity() -> None:
    rng = np.random.default_rng(0)
    z, a = rng.normal(size=(30, 8)), rng.normal(size=(30, 2))
    survey = direct_survey({(LAYER, "mean"): a}, z)
    statistics = survey.statistics[LAYER, "mean"]
    assert (statistics.top.pictures[:, 30:] == -1).all()
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    direct = np.mean([one @ other for one, other in combinations(unit, 2)])
    assert_allclose(clarities(statistics, survey.embeddings), [direct, direct], atol=1e-4)
    one = direct_survey({(LAYER, "mean"): a[:1]}, z[:1])
    assert np.isnan(clarities(one.statistics[LAYER, "mean"], one.embeddings)).all()


def test_monosemanticity_is_the_weighted_mean_over_all_pairs() -> None:
    survey, a, z = toy(count=300, units=6)
    found = monosemanticities(survey.statistics[LAYER, "mean"], survey.embeddings)
    weights = (a - a.min(axis=0)) / (a.max(axis=0) - a.min(axis=0))
    cosines, upper = z @ z.T, np.triu_indices(len(z), 1)
    for unit in range(6):
        pairs = np.outer(weights[:, unit], weights[:, unit])
        assert found[unit] == pytest.approx((pairs * cosines)[upper].sum() / pairs[upper].sum(), rel=1e-5)


def test_monosemanticity_needs_two_pictures_that_excite_a_unit() -> None:
    _, a, z = toy(count=50, units=3)
    a[:] = 0.0
    a[7, 1] = 1.0
    a[[7, 9], 2] = 1.0, 0.25
    survey = direct_survey({(LAYER, "mean"): a}, z)
    found = monosemanticities(survey.statistics[LAYER, "mean"], survey.embeddings)
    assert np.isnan(found).tolist() == [True, True, False]
    assert found[2] == pytest.approx(float(z[7] @ z[9]), rel=1e-5)


def test_redundancy_is_the_largest_correlation_with_another_unit() -> None:
    _, a, z = toy(units=5)
    a[:, 4] = 2 * a[:, 1] + 1
    a[:, 2] = 0.0
    survey = direct_survey({(LAYER, "mean"): a}, z)
    found, others = redundancies(survey.statistics[LAYER, "mean"])
    direct = np.corrcoef(np.delete(a[survey.sample], 2, axis=1).T)
    np.fill_diagonal(direct, -np.inf)
    assert_allclose(np.delete(found, 2), direct.max(axis=1), atol=2e-3)
    assert np.isnan(found[2])
    assert others[[1, 4, 2]].tolist() == [4, 1, -1]


def test_a_unit_alone_is_not_redundant() -> None:
    survey, _, _ = toy(units=1)
    found, others = redundancies(survey.statistics[LAYER, "mean"])
    assert np.isnan(found).all()
    assert others.tolist() == [-1]


def test_constant_units_have_no_numbers_though_rounding_left_them_a_variance() -> None:
    _, a, z = toy(units=2)
    a[:, 1] = -0.2
    survey = direct_survey({(LAYER, "mean"): a}, z, labels=[str(index % 5) for index in range(len(a))])
    statistics = replace(survey.statistics[LAYER, "mean"], squares=np.array([10.0, 1e-20]))
    labels = [survey.pictures[index].label for index in survey.sample]
    selectivities = class_selectivities(statistics, labels)
    assert selectivities is not None
    assert np.isnan(selectivities).tolist() == [False, True]
    for found in (
        kurtoses(statistics.histogram),
        sparsenesses(statistics),
        monosemanticities(statistics, survey.embeddings),
    ):
        assert np.isnan(found).tolist() == [False, True]


def test_units_that_are_always_negative_have_all_numbers() -> None:
    survey, a, z = toy(units=3)
    lowered = direct_survey({(LAYER, "mean"): a - 50}, z)
    one, other = survey.statistics[LAYER, "mean"], lowered.statistics[LAYER, "mean"]
    assert (other.fired == 0).all()
    assert_allclose(monosemanticities(other, lowered.embeddings), monosemanticities(one, survey.embeddings), rtol=1e-4)
    assert_allclose(sparsenesses(other), sparsenesses(one), rtol=1e-4)
    assert_allclose(clarities(other, lowered.embeddings), clarities(one, survey.embeddings), rtol=1e-4)


def test_redundancies_of_some_units_are_those_of_all() -> None:
    survey, _, _ = toy(units=9)
    statistics = survey.statistics[LAYER, "mean"]
    largest, others = redundancies(statistics)
    some, of_some = redundancies(statistics, [7, 2])
    np.testing.assert_allclose(some, largest[[7, 2]], rtol=1e-5)
    assert of_some.tolist() == others[[7, 2]].tolist()


def test_pictures_that_leave_a_sparse_unit_at_zero_do_not_count_in_clarity() -> None:
    """Neither in a set whose first pictures are alike: of a unit active in three pictures, in one and in none."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 8))
    z[:100] = z[0] + 0.1 * z[:100]
    a = np.zeros((400, 3))
    a[[200, 250, 300], 0] = 3.0, 2.0, 1.0
    a[210, 1] = 1.0
    survey = direct_survey({(LAYER, "mean"): a}, z)
    unit = z[[200, 250, 300]] / np.linalg.norm(z[[200, 250, 300]], axis=1, keepdims=True)
    direct = np.mean([one @ other for one, other in combinations(unit, 2)])
    assert_allclose(clarities(survey.statistics[LAYER, "mean"], survey.embeddings), [direct, np.nan, np.nan], atol=1e-4)
