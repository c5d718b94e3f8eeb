"""Entry point of the bundled programs."""

from __future__ import annotations

import multiprocessing
import os
import sys


def _give_outputs() -> None:
    """Give a windowed program on Windows outputs, without which printing fails."""
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
    # First, because a process that multiprocessing starts is this same program.
    multiprocessing.freeze_support()
    _give_outputs()
    _start()
