"""The page of a unit."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.unit_page import UnitPage
from clipdesk.gui.words import unbroken


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


def test_a_first_unit_whose_answers_are_on_their_way_says_so(qtbot: QtBot) -> None:
    page = UnitPage()
    qtbot.addWidget(page)
    assert page.message.text().startswith("Choose a unit")
    page.show_unit("visual", 3)
    assert page.message.text() == "Asking the survey …"
    page.show_unit("visual", 4, "The survey does not have the layer")
    assert "does not have the layer" in unbroken(page.message.text())
