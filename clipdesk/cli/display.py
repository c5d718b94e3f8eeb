"""A check for a usable display, made before Qt starts: without one, Qt ends the process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

TRY_DISPLAY = "--try-display"
"""Argument that makes a bundled program ask Qt for the display and end."""
_PROBE = "import sys; sys.path = {!r}; from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


def why_no_display(meanwhile: Callable[[], object] = lambda: None) -> str | None:
    """The reason why a window cannot be opened, in a few words; None if it can.

    Args:
        meanwhile: Work to do while waiting for the answer; skipped if there is clearly not a display.
    """
    if not sys.platform.startswith("linux"):
        return None
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    # In a separate process, since Qt aborts if the display does not answer or a library is missing.
    probe = subprocess.Popen(_probe(), stderr=subprocess.PIPE, text=True)
    meanwhile()
    try:
        _, complaint = probe.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        return "the display does not answer"
    return None if probe.returncode == 0 else _reason(complaint)


def _probe() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, TRY_DISPLAY]  # packaging/launch.py
    return [sys.executable, "-S", "-c", _PROBE.format(sys.path)]


def _reason(stderr: str) -> str:
    if "could not connect to display" in stderr:
        return f"the display {os.environ.get('DISPLAY', '')} cannot be reached"
    if "cursor0" in stderr or "xcb-cursor" in stderr:
        return "Qt needs the system library libxcb-cursor0"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "Qt could not start"
