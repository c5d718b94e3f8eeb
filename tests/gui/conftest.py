"""A window of its own for each test, with settings that touch nobody's."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.render.settings import make_settings


@pytest.fixture(autouse=True)
def _garbage_is_collected_on_the_gui_thread() -> Iterator[None]:
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(qtbot: QtBot, settings: QSettings, checkpoint: Path) -> Iterator[MainWindow]:
    """A window on a small model, opened."""
    window = MainWindow(str(checkpoint), settings=settings)
    window.parameters.show_settings(make_settings(iterations=5))
    qtbot.addWidget(window)
    window.show()
    window.open_model()
    # Not waitSignal: its own timer would be stopped on the worker's thread.
    qtbot.waitUntil(lambda: window.architecture.model.rowCount() == 1, timeout=60_000)
    yield window
    window.close()
