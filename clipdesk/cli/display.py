"""Whether a window can be opened, found out before Qt is asked: it ends the process where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

TRY_DISPLAY = "--try-display"
"""What a bundled program is called with to ask Qt for the display and end."""
_PROBE = "import sys; sys.path = {!r}; from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


def why_no_display(meanwhile: Callable[[], object] = lambda: None) -> str | None:
    """None if a window can be opened, else the reason in a few words.

    Args:
        meanwhile: Work to do while the answer is awaited; it is not done where there is clearly no display.
    """
    if not sys.platform.startswith("linux"):
        return None
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    # Tried in a process of its own, because a display that does not answer, or a missing library, makes Qt abort.
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
