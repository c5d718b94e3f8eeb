"""A window whose model is not on this disk yet."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import serve_model
from tests.gui.conftest import LAYER, done, run_of, until
from tests.servers import ModelServer


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        yield server


def shows_progress(text: str) -> bool:
    return re.fullmatch(r"Downloading ViT-B/32 … \d of 7 MB, \d+ kB/s, \d+ (s|min) left", text) is not None


def test_a_download_is_shown_cancelled_and_gone_on_with(
    qtbot: QtBot, new_window: Callable[..., MainWindow], server: ModelServer
) -> None:
    server.answers.append("slow")
    window = new_window("ViT-B/32")
    told: list[float] = []
    window.controller.opener.stage.connect(lambda *_: told.append(time.monotonic()))
    window.opening.open()
    until(qtbot, lambda: shows_progress(window.architecture.message))
    assert window.status.model.text() == window.architecture.message
    begun, since = len(told), time.monotonic()
    qtbot.wait(1000)
    until(qtbot, lambda: len(told) > begun)
    assert len(told) - begun <= 2 + 5 * (time.monotonic() - since), "five a second"
    qtbot.mouseClick(window.architecture.cancel, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: "ViT-B/32 was not opened" in window.architecture.message)
    assert window.notice.message == ""
    window.opening.open()
    until(qtbot, lambda: str(window.session.model_name) == "ViT-B/32")
    assert re.fullmatch(r"bytes=\d+-", server.requests[1][1] or "")


def test_a_download_that_fails_is_said_and_fits_the_panels(
    qtbot: QtBot, new_window: Callable[..., MainWindow], server: ModelServer
) -> None:
    server.answers.append(404)
    window = new_window("ViT-B/32")
    width = window.architecture.minimumSizeHint().width()
    window.opening.open()
    until(qtbot, lambda: "Could not download ViT-B/32 (353 MB): 127.0.0.1 answered 404" in window.notice.message)
    assert window.notice.message in window.architecture.message
    assert window.architecture.minimumSizeHint().width() < max(width, 300)


def test_a_jobs_model_is_downloaded_without_a_change_of_the_tree(
    window: MainWindow, qtbot: QtBot, server: ModelServer
) -> None:
    server.answers += ["slow", "slow"]
    job = Job(model="ViT-B/32", targets=(Unit(layer=LAYER, index=1),), settings=make_settings(iterations=2))
    run = window.controller.submit(job)
    until(qtbot, lambda: shows_progress(window.status.progress.text()))
    window.controller.pause(run)
    until(qtbot, lambda: run.state is Status.PAUSED)
    window.controller.resume(run)
    # Until the window knows, too, that it goes on: else it is cancelled and tried again in one moment, and the second
    # download, which takes minutes, simply goes on.
    until(qtbot, lambda: len(server.requests) == 2 and window.controller.running is run)
    window.controller.cancel(run)
    until(qtbot, lambda: run.state is Status.CANCELLED)
    assert window.architecture.shows_tree
    window.controller.retry(run_of(window))
    until(qtbot, lambda: done(window))
    assert window.notice.message == ""


def test_a_window_closes_during_a_download(
    qtbot: QtBot, new_window: Callable[..., MainWindow], server: ModelServer
) -> None:
    server.answers.append("silent")
    window = new_window("ViT-B/32")
    window.opening.open()
    until(qtbot, lambda: bool(server.requests))
    asked = time.monotonic()
    assert window.close()
    # Not as long as the server is waited for: 20 s.
    assert time.monotonic() - asked < 10
    assert window.ended
