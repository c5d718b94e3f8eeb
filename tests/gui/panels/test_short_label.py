"""Labels that show of a long text what fits into two lines."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.short_label import ShortLabel

LONG = "No: " + "; ".join(f"reason {i} speaks against the picture, that of the layer before" for i in range(12))


@pytest.fixture
def around(qtbot: QtBot) -> QWidget:
    around = QWidget()
    qtbot.addWidget(around)
    return around


@pytest.fixture
def label(around: QWidget, qtbot: QtBot) -> ShortLabel:
    label = ShortLabel(lines=2)
    QHBoxLayout(around).addWidget(label)
    around.resize(420, 200)
    with qtbot.waitExposed(around):
        around.show()
    return label


def test_a_long_text_is_cut_at_a_word_to_two_lines(label: ShortLabel) -> None:
    label.show_text(LONG)
    shown = label.text()
    assert shown.endswith(" …")
    assert LONG.startswith(shown.removesuffix(" …"))
    assert LONG[len(shown) - 2] in " ;,", "a word is whole"
    assert label.heightForWidth(label.width()) <= 2 * label.fontMetrics().lineSpacing()
    assert len(shown) > len("No: reason 0 speaks against the picture"), "what fits is there"
    assert label.whole == label.accessibleDescription() == LONG


def test_a_short_text_stays_and_one_word_is_never_lost(label: ShortLabel) -> None:
    label.show_text("Trust: above 99.9 % of the pictures")
    assert label.text() == label.whole
    label.show_text("a" * 500)
    assert label.text() == label.whole
    label.show_text("")
    assert not label.text()


def test_more_is_shown_where_there_is_more_room(label: ShortLabel, qtbot: QtBot) -> None:
    label.show_text(LONG)
    before = len(label.text())
    label.window().resize(900, 200)
    qtbot.waitUntil(lambda: len(label.text()) > 1.5 * before)
    label.window().resize(420, 200)
    qtbot.waitUntil(lambda: len(label.text()) == before)


def test_room_is_reserved_whatever_is_said(qtbot: QtBot) -> None:
    label = ShortLabel(lines=3, reserved=True)
    qtbot.addWidget(label)
    assert label.minimumHeight() == 3 * label.fontMetrics().lineSpacing()
    font = label.font()
    font.setPointSize(2 * font.pointSize())
    label.setFont(font)
    assert label.minimumHeight() == 3 * label.fontMetrics().lineSpacing()
