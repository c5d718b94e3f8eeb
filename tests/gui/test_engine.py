"""The threads beside the window: they start when there is work, and end when they are told to."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from clipdesk.gui.engine import Engine
from clipdesk.gui.live import Mailbox
from clipdesk.models.names import parse_name
from clipdesk.render.presets import make_settings

pytestmark = pytest.mark.usefixtures("own_queue")


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[Engine]:
    engine = Engine(Mailbox())
    yield engine
    engine.stop(20_000)
    engine.deleteLater()


def threads(engine: Engine) -> list[str]:
    """The names of those that run."""
    return sorted(thread.objectName() for thread in engine.findChildren(QThread) if thread.isRunning())


def test_no_thread_runs_before_there_is_work(engine: Engine) -> None:
    assert threads(engine) == []
    assert engine.stop(20_000)


def test_no_thread_is_started_after_the_end(engine: Engine) -> None:
    assert engine.stop(20_000)
    engine.work()
    engine.open_model("demo")
    engine.measure(parse_name("demo"), make_settings())
    assert threads(engine) == []


def test_calls_for_work_do_not_pile_up(engine: Engine, qtbot: QtBot) -> None:
    rested: list[int] = []
    engine.worker.rested.connect(lambda: rested.append(1))
    for _ in range(1000):
        engine.work()
    qtbot.waitUntil(lambda: bool(rested) and not engine.worker.called.is_set(), timeout=20_000)
    qtbot.wait(100)
    assert threads(engine) == ["render"]
    assert len(rested) <= 20


def test_a_desk_that_is_stuck_does_not_keep_the_engine_from_stopping(engine: Engine) -> None:
    free = threading.Event()
    engine.desk.start(lambda: free.wait(30))
    begun = time.monotonic()
    assert not engine.stop(200)
    assert time.monotonic() - begun < 10
    assert threads(engine) == []
    free.set()
    engine.desk.wait()


def test_asking_the_desk_for_another_look_many_times_gives_few(engine: Engine, qtbot: QtBot) -> None:
    shown: list[list[object]] = []
    engine.desk.others.connect(shown.append)
    for _ in range(100):
        engine.desk.look_again()
    qtbot.waitUntil(lambda: bool(shown), timeout=20_000)
    engine.desk.wait()
    qtbot.wait(50)
    assert len(shown) == 1


PAINTED = """
import sys
from PySide6.QtCore import QSettings
from clipdesk.gui.app import make_application
from clipdesk.gui.main_window import MainWindow

app = make_application()
window = MainWindow(settings=QSettings(sys.argv[1], QSettings.Format.IniFormat))

def tell():
    print([name for name in ("torch", "numpy", "PIL", "pyqtgraph") if name in sys.modules])
    sys.stdout.flush()
    window.close()

window.appeared.disconnect()
window.appeared.connect(tell)
window.show()
app.exec()
"""


def test_the_window_is_painted_before_anything_large_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PAINTED, str(tmp_path / "settings.ini")]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
