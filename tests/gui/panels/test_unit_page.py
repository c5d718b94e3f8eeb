"""The page of a unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.unit_page import UnitPage
from clipdesk.gui.surveys.data import Photo, PooledUnit, UnitFacts, Word
from clipdesk.gui.words import unbroken

FACTS = UnitFacts(
    pooling="mean",
    poolings=("mean",),
    numbers=(("mean", "3"),),
    edges=(0.0, 1.0, 2.0),
    counts=(3, 1),
    top=(Photo(1, 1.5, "a.png"),),
    range=(),
    bottom=(),
    groups=(),
    against=(),
    words=(Word("heart", 0.5, weak=False),),
    opposite=(),
    within=(),
    across=(),
)


def test_the_wheel_over_the_tabs_does_not_turn_to_another(qtbot: QtBot) -> None:
    page = UnitPage()
    qtbot.addWidget(page)
    none, no_keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    down = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), none, no_keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(page.tabs, down)
    assert page.tabs.currentIndex() == 0
    assert not down.isAccepted(), "the page scrolls"


def test_what_is_known_of_the_unit_before_goes_when_an_answer_is_late(qtbot: QtBot) -> None:
    page = UnitPage()
    qtbot.addWidget(page)
    page.show_unit(PooledUnit("visual", 3))
    page.show_facts(FACTS)
    page.show_unit(PooledUnit("visual", 4))
    assert page.numbers.text() == "mean 3", "the page does not flicker"
    page.late.timeout.emit()
    assert (page.numbers.text(), page.message.text()) == ("", "Asking the survey …")
    page.tabs.setCurrentIndex(2)
    page.tabs.setCurrentIndex(0)
    assert page.photos.photos.items == [], "nor does it come back with another part"
    page.show_facts(replace(FACTS, numbers=(("mean", "4"),)))
    assert (page.numbers.text(), page.message.text()) == ("mean 4", "")


@pytest.mark.parametrize(("width", "height", "side"), [(700, 700, 200), (500, 700, 136), (700, 400, 136)])
def test_a_small_page_has_a_small_picture_so_that_photos_are_in_sight(
    qtbot: QtBot, width: int, height: int, side: int
) -> None:
    page = UnitPage()
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    assert page.picture.width() == side


def test_an_answer_to_the_same_unit_again_leaves_its_page_as_it_is(qtbot: QtBot) -> None:
    """As when the words have been read."""
    page = UnitPage()
    qtbot.addWidget(page)
    page.show_unit(PooledUnit("visual", 3))
    page.show_facts(FACTS)
    page.show_unit(PooledUnit("visual", 3))
    assert not page.late.isActive()
    page.show_unit(PooledUnit("visual", 3, "max"))
    assert page.late.isActive()


def test_a_first_unit_whose_answers_are_on_their_way_says_so(qtbot: QtBot) -> None:
    page = UnitPage()
    qtbot.addWidget(page)
    assert page.message.text().startswith("Choose a unit")
    page.show_unit(PooledUnit("visual", 3))
    assert page.message.text() == "Asking the survey …"
    page.show_unit(PooledUnit("visual", 4), "The survey does not have the layer")
    assert "does not have the layer" in unbroken(page.message.text())
