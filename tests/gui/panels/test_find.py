"""The page of a search: what it advises and what it warns of."""

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.find import FindPage
from clipdesk.gui.surveys.data import FoundUnit, PooledUnit, Question
from clipdesk.models.names import parse_name


@pytest.mark.parametrize(
    ("model", "first", "note"),
    [
        ("photo", "a strawberry", '. Note: photo has not learnt "heart", so what it makes of the text means little'),
        ("demo", "a star", ""),
    ],
)
def test_a_search_for_a_word_that_the_model_has_not_learnt_says_so(
    qtbot: QtBot, model: str, first: str, note: str
) -> None:
    page = FindPage()
    qtbot.addWidget(page)
    page.forget(parse_name(model))
    assert f"such as “{first}”" in page.said
    page.search_text("a heart")
    page.show_found(Question(text="a heart"), [FoundUnit(PooledUnit("visual", 3), 0.5, (2, 7))])
    assert page.title.text() == f'Units for "a heart", by correlation{note}'
