"""A window of its own for each test, with settings that touch nobody's, and a check that nothing is left behind."""

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QThread, QThreadPool
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.gui.theme import Theme
from clipdesk.gui.tracks import Track
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import default_store
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
WAIT = 60_000


class PatientQtBot(QtBot):
    """Waits a minute where nothing else is said; pytest-qt's five seconds are too few on a busy machine."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = WAIT) -> None:
        super().waitUntil(callback, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientQtBot(request)


@pytest.fixture(scope="module")
def _frozen() -> Iterator[None]:
    """Keep what a module of tests finds out of its collections: a million objects, half a second for each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _nothing_is_left(qapp: QApplication, _frozen: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail where a test leaves a top-level widget, a running thread or a pool's task behind; collect garbage here."""
    gc.disable()
    before = set(map(id, qapp.topLevelWidgets()))
    yield
    # pytest's own hold on the window, without which Python frees what Qt does not own: pyqtgraph's menus.
    request.node.funcargs.clear()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
    gc.enable()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [w for w in qapp.topLevelWidgets() if id(w) not in before and shiboken6.isValid(w)]
    threads = [
        thread
        for thread in gc.get_objects()
        if issubclass(type(thread), QThread) and shiboken6.isValid(thread) and thread.isRunning()
    ]
    running = [thread for thread in threads if thread is not qapp.thread()]
    assert not left, f"widgets are left: {left}"
    assert not running, f"threads run: {[thread.objectName() for thread in running]}"
    assert QThreadPool.globalInstance().activeThreadCount() == 0


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("folder", str(tmp_path / "results"))
    return settings


@pytest.fixture
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's queue is empty when a test begins."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def new_window(
    qtbot: QtBot, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., MainWindow]]:
    """Makes windows that close without a question."""
    monkeypatch.setattr(MainWindow, "confirm_close", lambda _: True)
    windows: list[MainWindow] = []

    def make(model: str | None = None, start: bool = False, theme: Theme | None = None) -> MainWindow:
        window = MainWindow(model, start=start, settings=settings, theme=theme)
        window.parameters.show_settings(make_settings(iterations=5))
        qtbot.addWidget(window)
        window.show()
        windows.append(window)
        return window

    yield make
    for window in windows:
        window.close()


@pytest.fixture
def window(qtbot: QtBot, new_window: Callable[..., MainWindow], checkpoint: Path) -> MainWindow:
    """A window on a small model, opened."""
    window = new_window(str(checkpoint))
    window.opening.open()
    # Not waitSignal: its own timer would be stopped on the worker's thread.
    qtbot.waitUntil(lambda: window.session.model_name is not None, timeout=WAIT)
    return window


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=WAIT)


def open_queue(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the window's model and its queue are open; the queue's file is there a moment earlier."""
    opened = threading.Event()
    until(qtbot, lambda: window.session.model_name is not None and default_store().exists())
    window.controller.desk.start(opened.set, urgent=False)
    until(qtbot, opened.is_set)


def run_of(window: MainWindow, number: int = 1) -> Run:
    run = window.controller.queue.find(number)
    assert run is not None
    return run


def finished(window: MainWindow) -> bool:
    return all(run.state.finished for run in window.controller.queue)


def done(window: MainWindow, number: int = 1) -> bool:
    return run_of(window, number).state is Status.DONE


def tracks_of(*targets: Target) -> list[Track]:
    """The tracks of a run that asks for these."""
    run = Run(1, Job(model="demo", targets=targets))
    return [run.track(target) for target in targets]
