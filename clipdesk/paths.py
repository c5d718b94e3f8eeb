"""Where ClipDesk's own files are."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def resource(name: str) -> Path:
    """A file of `resources/`: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return (installed if installed.is_dir() else package.parent / "resources") / name


def data_folder() -> Path:
    """The user's data that is neither a setting nor a result, such as the queue; ``CLIPDESK_DATA`` names another."""
    return Path(os.environ.get("CLIPDESK_DATA") or platformdirs.user_data_dir("clipdesk", appauthor=False))


def log_file() -> Path:
    """The log, in the platform's folder for logs."""
    return Path(platformdirs.user_log_dir("clipdesk", appauthor=False)) / "clipdesk.log"
