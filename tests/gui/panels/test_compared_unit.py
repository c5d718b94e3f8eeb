"""A unit in two models, whose parts come one by one."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from clipdesk.gui.comparisons.data import Changed, Side
from clipdesk.gui.panels.compared_unit import ComparedUnit
from clipdesk.gui.surveys.data import Word


def test_words_that_come_before_the_rest_of_a_unit_stay(qtbot: QtBot) -> None:
    unit = ComparedUnit()
    qtbot.addWidget(unit)
    unit.show()
    unit.show_unit(Changed(0, "0.mlp:1", 0.5, 1.0, 0.1, 0.1, 0.2, ""))
    unit.show_words(((Word("red", 0.9, False),), (Word("star", 0.9, False),)))
    unit.show_sides([Side(name, "", (), (), ()) for name in "AB"])
    for word, half in zip(("red", "star"), unit.halves, strict=True):
        assert word in half.words.label.text()
    unit.show_unit(Changed(1, "0.mlp:2", 0.5, 1.0, 0.1, 0.1, 0.2, ""))
    assert "being read" in unit.halves[0].words.label.text()
    unit.show_sides([Side("A", "", (), (), ())])
    assert [half.words.isVisible() for half in unit.halves] == [True, False]
