"""The application itself."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from clipdesk.gui.app import make_application


@pytest.mark.usefixtures("qapp")
def test_the_application_has_its_icon() -> None:
    app = make_application()
    assert isinstance(app, QApplication)
    icon = app.windowIcon().pixmap(64, 64).toImage()
    assert icon.width() >= 64
    assert icon.pixelColor(icon.rect().center()).alpha() == 255
