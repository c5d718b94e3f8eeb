"""The filter of the table of neurons: conditions on what a survey knows, kinds, stars, and words beside them."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.layer import UnitTable
from clipdesk.activations.questions.overview import Overview
from clipdesk.gui.item_models.conditions import Filter
from clipdesk.gui.item_models.unit_columns import Known, UnitState
from clipdesk.gui.surveys.data import LayerFacts
from clipdesk.marks.mark import Mark
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout

LAYER = LayerInfo("layer", "Linear", (4,), Layout.VECTOR, 4, source=ModuleOutput("layer"))
NOBODY = np.zeros(4, dtype=bool)


def known() -> Known:
    """Four units: the first is dead, the second dense, the third clear, and the last has a star."""
    dead, dense, clear = (np.arange(4) == place for place in range(3))
    numbers = np.array([np.nan, 0.5, 0.005, 0.02])
    table = UnitTable(
        layer="layer",
        pooling="mean",
        count=10,
        by_class=False,
        density=numbers,
        selectivity=numbers,
        kurtosis=numbers,
        maximum=numbers,
        clarity=numbers,
        monosemanticity=numbers,
        redundancy=numbers,
        nearest=np.full(4, -1),
        dead=dead,
        dense=dense,
    )
    kinds = Overview(4, 0.1, dead, dense, clear, NOBODY)
    facts = LayerFacts(table, kinds, np.ones((4, 3), np.uint32), np.arange(4, dtype=np.int32))
    return Known(LAYER, lambda _: UnitState(""), facts, {3: Mark(starred=True)})


def left(text: str) -> list[int]:
    return list(Filter.read(text).left(known()))


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("density<1%", [2]),
        ("density < 0.01", [2]),
        ("Density>=2%", [1, 3]),
        ("clarity=.5", [1]),
        ("density<10% kurtosis>0.01", [3]),
        ("dead", [0]),
        ("dense", [1]),
        ("clear", [2]),
        ("redundant", []),
        ("starred", [3]),
        ("starred density>1%", [3]),
        ("dead starred", []),
        ("", [0, 1, 2, 3]),
    ],
)
def test_units_for_which_all_conditions_hold(text: str, units: list[int]) -> None:
    assert left(text) == units


def test_what_is_no_condition_is_words() -> None:
    assert Filter.read("  A heart density<1% done ") == Filter("a heart done", (("density", "<", 0.01),), ())
    assert Filter.read("deadline").words == "deadline"
    assert Filter.read("density<") == Filter("density<")


def test_without_a_survey_no_unit_has_numbers() -> None:
    nothing = Known(LAYER, lambda _: UnitState(""))
    assert list(Filter.read("density<1%").left(nothing)) == []
    assert list(Filter.read("dead").left(nothing)) == []
    assert list(Filter.read("starred").left(nothing)) == []
    assert list(Filter.read("").left(nothing)) == [0, 1, 2, 3]
