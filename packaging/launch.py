"""Where the bundled programs begin."""

from __future__ import annotations

import multiprocessing
import os
import sys


def _give_outputs() -> None:
    """A windowed program on Windows has no outputs, and what prints, such as a progress bar, would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _try_display() -> None:
    from PySide6.QtGui import QGuiApplication

    QGuiApplication([])


def _start() -> None:
    from clipdesk.cli.display import TRY_DISPLAY

    if sys.argv[1:] == [TRY_DISPLAY]:
        _try_display()
        return
    from clipdesk.cli import main

    main()


if __name__ == "__main__":
    # First: a process that multiprocessing starts is this same program.
    multiprocessing.freeze_support()
    _give_outputs()
    _start()
