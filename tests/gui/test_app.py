"""The application itself."""

from __future__ import annotations

import os

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


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(("cores", "threads"), [(1, "1"), (2, "1"), (16, "15"), (None, "1")])
def test_numpy_leaves_a_core_to_the_window(monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: str) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    make_application()
    assert os.environ["OPENBLAS_NUM_THREADS"] == threads
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    make_application()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7", "as the user wants it"
