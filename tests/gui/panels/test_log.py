import logging
import threading

from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.log import LogPanel


def test_lines_of_any_thread_appear_until_it_stops(qtbot: QtBot) -> None:
    panel = LogPanel()
    qtbot.addWidget(panel)
    log = logging.getLogger("clipdesk.test")
    thread = threading.Thread(target=log.warning, args=("from afar",))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "WARNING clipdesk.test: from afar" in panel.text.toPlainText())
    panel.stop()
    log.warning("too late")
    qtbot.wait(1)
    assert "too late" not in panel.text.toPlainText()
