"""A line of words and their scores."""

from __future__ import annotations

import math

from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.word_line import WordLine
from clipdesk.gui.surveys.data import Word


def test_a_word_without_a_score_stands_alone(qtbot: QtBot) -> None:
    line = WordLine("Words")
    qtbot.addWidget(line)
    line.show_words((Word("heart", 0.5, weak=False), Word("<b>", math.nan, weak=True)), "")
    assert "nan" not in line.label.text()
    assert "heart</a>&nbsp;0.50, " in line.label.text()
    assert line.label.text().endswith("&lt;b&gt;</a>")
