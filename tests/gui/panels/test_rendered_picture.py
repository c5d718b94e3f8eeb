"""The picture on a unit's page, and the button in its place."""

from __future__ import annotations

from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.rendered_picture import RenderedPicture


def test_without_a_picture_a_button_renders_one(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    asked: list[bool] = []
    render = QAction("Render this unit", parent)
    render.triggered.connect(lambda: asked.append(True))
    shown = RenderedPicture(render, 100)
    shown.setParent(parent)
    parent.show()
    assert shown.button.isVisible()
    shown.button.click()
    assert len(asked) == 1
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    shown.show_image(image)
    assert not shown.button.isVisible()
    assert shown.label.pixmap().width() == 100
    shown.set_side(50)
    assert (shown.width(), shown.label.pixmap().height()) == (50, 25)
    shown.show_image(QImage())
    assert shown.button.isVisible(), "a damaged picture is none"
