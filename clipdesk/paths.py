"""Paths of ClipDesk's own files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


def resource(name: str) -> Path:
    """Path of a file in `resources/`, which is inside the package in a wheel and beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return (installed if installed.is_dir() else package.parent / "resources") / name


def data_folder() -> Path:
    """Folder of the user's data other than settings and results, such as the queue; ``CLIPDESK_DATA`` overrides it."""
    return Path(os.environ.get("CLIPDESK_DATA") or platformdirs.user_data_dir("clipdesk", appauthor=False))


def locks_folder() -> Path:
    """Folder of lock files that belong to no queue; a temporary one where the data folder cannot be written to."""
    folder = data_folder() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / "clipdesk-locks"
    return folder


def log_file() -> Path:
    """Path of the log, in the platform's folder for logs."""
    return Path(platformdirs.user_log_dir("clipdesk", appauthor=False)) / "clipdesk.log"
