"""Units that are like another one."""

from __future__ import annotations

from clipdesk.activations.questions.similar import similar
from tests.activations.surveys import direct_survey, toy


def test_similar_units_are_listed_by_layer() -> None:
    _, a, z = toy(units=6)
    a[:, 5] = a[:, 2] ** 3 + a[:, 2]
    survey = direct_survey({("one", "mean"): a, ("two", "mean"): a, ("three", "max"): a[:, :3]}, z)
    found = similar(survey, "one", 2, count=4)
    assert {each.layer for each in found.within} == {"one"}
    assert (found.within[0].unit, len(found.within)) == (5, 4)
    assert {(each.layer, each.unit) for each in found.across[:2]} == {("two", 2), ("three", 2)}
    assert {each.layer for each in similar(survey, "one", 2, pooling="mean").across} == {"two"}


def test_a_layer_alone_has_nothing_across() -> None:
    survey, _, _ = toy(units=1)
    found = similar(survey, "visual.layer", 0)
    assert found.within == found.across == ()
