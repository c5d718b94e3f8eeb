"""Links that the system hands to the running program."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QUrl
from PySide6.QtGui import QFileOpenEvent
from pytestqt.qtbot import QtBot

from clipdesk.gui.link_filter import LinkFilter
from clipdesk.gui.main_window import MainWindow
from clipdesk.links import Link
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, until


@pytest.mark.parametrize("layer", [LAYER, "1.mlp.gelu"])
def test_a_link_opens_its_model_and_shows_its_unit(
    window: MainWindow, checkpoint: Path, qtbot: QtBot, layer: str
) -> None:
    event = QFileOpenEvent(QUrl(str(Link(str(checkpoint), layer, 5))))
    assert LinkFilter(window).eventFilter(window, event)
    until(qtbot, lambda: window.neurons.selected() == (Unit(layer=LAYER, index=5),))
    assert window.model_name == str(checkpoint)
    assert window.notice.message == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clipdesk://demo/visual/-5", "is not a link to a unit"),
        ("clipdesk:////host/share/visual/5", "is not a link to a unit"),
        ("clipdesk:///%2Fno%2Fsuch.pt/visual/5", "There is no model or file '/no/such.pt'"),
    ],
)
def test_a_link_that_leads_nowhere_is_named_and_opens_nothing(window: MainWindow, text: str, message: str) -> None:
    before = window.model_name
    assert LinkFilter(window).eventFilter(window, QFileOpenEvent(QUrl(text)))
    assert message in window.notice.message
    assert window.model_name == before


def test_other_events_and_files_are_left_to_others(window: MainWindow) -> None:
    links = LinkFilter(window)
    assert not links.eventFilter(window, QEvent(QEvent.Type.User))
    assert not links.eventFilter(window, QFileOpenEvent(QUrl.fromLocalFile("/tmp/x.png")))
