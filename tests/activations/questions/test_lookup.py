"""A layer, a pooling and a unit by what a person asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from clipdesk.activations.questions.lookup import check_unit, chosen, poolings_of, statistics_of
from clipdesk.activations.questions.similar import similar
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from tests.activations.surveys import direct_survey


@pytest.fixture
def survey() -> Survey:
    a = np.random.default_rng(0).normal(size=(9, 4))
    return direct_survey({("early", "max"): a, ("early", "mean"): a, ("late", "class"): a}, a)


def test_the_usual_pooling_is_taken_when_none_is_asked_for(survey: Survey) -> None:
    assert statistics_of(survey, "early").pooling == "mean"
    assert statistics_of(survey, "early", "max").pooling == "max"
    assert statistics_of(survey, "late").pooling == "class"
    assert poolings_of(survey, "early") == ["mean", "max"]


def test_a_layer_that_is_not_there_is_named_with_the_nearest(survey: Survey) -> None:
    with pytest.raises(UsageError, match=r"no layer 'earl'\. Did you mean early\?"):
        statistics_of(survey, "earl")
    with pytest.raises(UsageError, match=r"no class of layer 'early'\. Available: mean, max"):
        statistics_of(survey, "early", "class")


def test_layers_are_chosen_by_name_and_pooling(survey: Survey) -> None:
    assert len(list(chosen(survey))) == 3
    assert [found.pooling for found in chosen(survey, ["early"])] == ["max", "mean"]
    assert [found.layer for found in chosen(survey, pooling="class")] == ["late"]
    with pytest.raises(UsageError, match="no class of layer 'early'"):
        chosen(survey, ["early"], "class")


class Counted(Mapping[tuple[str, Pooling], UnitStatistics]):
    """Layers on a disk, which remembers what was read."""

    def __init__(self, layers: Mapping[tuple[str, Pooling], UnitStatistics]) -> None:
        self.layers = layers
        self.read: list[tuple[str, Pooling]] = []

    def __getitem__(self, key: tuple[str, Pooling]) -> UnitStatistics:
        self.read.append(key)
        return self.layers[key]

    def __iter__(self) -> Iterator[tuple[str, Pooling]]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)


def test_only_the_layers_that_are_asked_for_are_read_from_the_disk(survey: Survey) -> None:
    disk = Counted(survey.statistics)
    there = replace(survey, statistics=disk)
    statistics_of(there, "early", "max")
    assert disk.read == [("early", "max")]
    found = chosen(there, ["early"])
    assert disk.read == [("early", "max")]
    next(found)
    assert disk.read == [("early", "max"), ("early", "max")]
    list(chosen(there, pooling="class"))
    assert disk.read[2:] == [("late", "class")]
    disk.read.clear()
    similar(there, "late", 0)
    assert sorted(set(disk.read)) == [("early", "max"), ("early", "mean"), ("late", "class")]
    disk.read.clear()
    similar(there, "early", 0, pooling="mean")
    assert set(disk.read) == {("early", "mean")}


@pytest.mark.parametrize("unit", [-1, 4])
def test_a_unit_that_is_not_there_is_refused(survey: Survey, unit: int) -> None:
    check_unit(statistics_of(survey, "early"), 3)
    with pytest.raises(UsageError, match=f"no unit {unit}: its units are 0 to 3"):
        check_unit(statistics_of(survey, "early"), unit)
