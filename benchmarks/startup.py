"""Time the start: until the window is on the screen, and until it can render.

    xvfb-run -s "-screen 0 1920x1200x24" python -m benchmarks.startup

Starts the program anew each time. The clock starts before the process, and stops at the end of the window's first
paint, and when the model is open.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

_PROGRAM = """
import sys, time
started = float(sys.argv[1])
from clipdesk.cli import entry

def watched():
    from PySide6.QtCore import QEvent, QSettings, QTimer
    for format in (QSettings.Format.IniFormat, QSettings.Format.NativeFormat):
        QSettings.setPath(format, QSettings.Scope.UserScope, sys.argv[2])
    from clipdesk.gui import app
    from clipdesk.gui.main_window import MainWindow

    class Watch(MainWindow):
        painted = False

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.controller.opener.opened.connect(self.ready)

        def event(self, event):
            done = super().event(event)
            if event.type() is QEvent.Type.UpdateRequest and not self.painted:
                self.painted = True
                print("painted", time.time() - started, flush=True)
            return done

        def ready(self):
            print("ready", time.time() - started, flush=True)
            QTimer.singleShot(0, self.close)

    app.MainWindow = Watch

entry._import_window = watched
entry.main([])
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=7)
    arguments = parser.parse_args()
    seen: dict[str, list[float]] = {"painted": [], "ready": []}
    for _ in range(arguments.times):
        for name, seconds in _start():
            seen[name].append(seconds)
    for name, values in seen.items():
        print(f"{name}: median {statistics.median(values):.2f} s, {min(values):.2f} to {max(values):.2f} s")


def _start() -> list[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _PROGRAM, str(time.time()), folder]
        environment = {**os.environ, "CLIPDESK_DATA": folder}
        output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return [(line.split()[0], float(line.split()[1])) for line in output.splitlines()]


if __name__ == "__main__":
    main()
